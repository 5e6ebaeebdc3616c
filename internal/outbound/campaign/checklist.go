package campaign

import (
	"context"
	"errors"
	"time"

	"github.com/overture-im/overture"
)

// Verdict of one line of the checklist.
type Verdict string

// The verdicts. Only a problem stops the launch.
const (
	OK      Verdict = "ok"
	Note    Verdict = "note"    // worth knowing before the launch
	Problem Verdict = "problem" // the launch is refused until it is fixed
)

// Check is one line of the pre-launch checklist (C6): what was looked at, how it stands, and what to do about it.
type Check struct {
	Name    string // stable machine word
	Verdict Verdict
	Words   overture.Sentence
	Fix     overture.Sentence // what to do; zero when nothing is to be done
	Field   string            // the field of the campaign where the fix goes, if there is one
}

// zoneSampleSize is how many recipients the checklist asks for their zones: enough to name the zones of a list, cheap at a million rows.
const zoneSampleSize = 2000

// brief is everything the checklist looks at, read at one time. The checks themselves are pure.
type brief struct {
	campaign  overture.Campaign
	settings  overture.Settings
	sender    overture.Sender
	senderErr bool
	skill     overture.Skill
	skillErr  bool
	list      overture.ListSummary
	zones     []overture.QueuedSample // sample of the list
	textless  bool                    // somebody in the list has no text of their own
	launchAt  time.Time               // zero: now
	prices    overture.PriceTable     // read when a limit in money is set
	unpriced  overture.Address        // somebody in the list whose destination has no price; empty: nobody
	windows   Windows
}

// Checklist looks at a draft as the launch would, in the order in which a person goes through it. launchAt replaces the draft's own
// launch time when it is not nil.
func (s *Service) Checklist(ctx context.Context, account overture.AccountID, id overture.CampaignID, launchAt *time.Time) ([]Check, error) {
	c, err := s.store.Campaign(ctx, account, id)
	if err != nil {
		return nil, err
	}
	b, err := s.briefing(ctx, c, launchAt)
	if err != nil {
		return nil, err
	}
	return b.checks(time.Now()), nil
}

func (s *Service) briefing(ctx context.Context, c overture.Campaign, launchAt *time.Time) (brief, error) {
	b := brief{campaign: c, windows: s.windows, launchAt: c.LaunchAt}
	set(&b.launchAt, launchAt)
	acc, err := s.store.Account(ctx, c.AccountID)
	if err != nil {
		return b, err
	}
	b.settings = acc.Settings.WithDefaults()
	if b.sender, err = s.store.Sender(ctx, c.AccountID, c.SenderID); err != nil {
		if b.senderErr = errors.Is(err, overture.NotFound); !b.senderErr {
			return b, err
		}
	}
	if b.skill, err = s.store.Skill(ctx, c.AccountID, c.SkillID); err != nil {
		if b.skillErr = errors.Is(err, overture.NotFound); !b.skillErr {
			return b, err
		}
	}
	if b.list, err = s.lists.Summary(ctx, c.AccountID, c.ID); err != nil {
		return b, err
	}
	if c.Content.Text == "" {
		if b.textless, err = s.store.AnyWithoutText(ctx, c.ID); err != nil {
			return b, err
		}
	}
	if err := s.priceList(ctx, &b); err != nil {
		return b, err
	}
	b.zones, err = s.store.ZoneSample(ctx, c.ID, zoneSampleSize)
	return b, err
}

func (b brief) checks(now time.Time) []Check {
	out := []Check{b.state(), b.name(), b.senderOK(), b.skillOK(), b.text(), b.length(), b.recipients()}
	out = append(out, b.rejected()...)
	out = append(out, b.launch(now), b.window(now), b.validity(now), b.rate())
	out = append(out, b.spend()...)
	return append(out, Check{
		Name: "consent", Verdict: Note, Words: overture.Say("you are responsible for the opt-in consent of every recipient, and for TCPA and GDPR"),
		Fix: overture.Say("tick the box at the launch (API: consent: true)"),
	})
}

func (b brief) state() Check {
	if b.campaign.State == overture.Draft {
		return Check{Name: "state", Verdict: OK, Words: overture.Say("a draft, ready to be checked")}
	}
	return Check{Name: "state", Verdict: Problem, Words: overture.Say("the campaign is %s, it was launched already", overture.Written(string(b.campaign.State))), Fix: overture.Say("duplicate it to launch it again")}
}

func (b brief) name() Check {
	if b.campaign.Name == "" {
		return Check{Name: "name", Verdict: Problem, Words: overture.Say("the campaign has no name"), Fix: overture.Say("give it a name that tells agents what it is about"), Field: "name"}
	}
	return Check{Name: "name", Verdict: OK, Words: overture.Say("agents see the name with every reply")}
}

func (b brief) senderOK() Check {
	switch {
	case b.senderErr:
		return Check{Name: "sender", Verdict: Problem, Words: overture.Say("the sender is gone"), Fix: overture.Say("choose a sender of this account"), Field: "sender"}
	case b.sender.Stopped:
		return Check{Name: "sender", Verdict: Problem, Words: overture.Say("the sender is stopped: %s", overture.Written(b.sender.StopReason)), Fix: overture.Say("correct what stopped it and start it, or choose another sender"), Field: "sender"}
	case b.sender.Channel != b.campaign.Channel:
		return Check{Name: "sender", Verdict: Problem, Words: overture.Say("the sender is for %s, the campaign for %s", b.sender.Channel, b.campaign.Channel), Fix: overture.Say("choose a sender of the campaign's channel"), Field: "sender"}
	}
	return Check{Name: "sender", Verdict: OK, Words: overture.Say("sends from %s", b.sender.Name)}
}

func (b brief) skillOK() Check {
	if b.skillErr {
		return Check{Name: "skill", Verdict: Problem, Words: overture.Say("the skill is gone"), Fix: overture.Say("choose a skill of this account"), Field: "skill"}
	}
	if b.skill.Archived() {
		return Check{Name: "skill", Verdict: Problem, Words: overture.Say("the skill %s is archived", b.skill.Name), Fix: overture.Say("choose another skill, or bring it back"), Field: "skill"}
	}
	return Check{Name: "skill", Verdict: OK, Words: overture.Say("replies go to %s", b.skill.Name)}
}

func (b brief) text() Check {
	content := b.campaign.Content
	switch {
	case content.OptOutText == "":
		return Check{Name: "text", Verdict: Problem, Words: overture.Say("the opt-out text is missing; every SMS must say how to stop"), Fix: overture.Say("write an opt-out text, or leave it out to use the account's"), Field: "opt_out_text"}
	case content.Text == "" && b.textless:
		return Check{Name: "text", Verdict: Problem, Words: overture.Say("the campaign has no text, and some recipients have none of their own"), Fix: overture.Say("write a text, or give every recipient one in the second column"), Field: "text"}
	case content.Text == "" && b.list.Valid == 0:
		return Check{Name: "text", Verdict: Problem, Words: overture.Say("there is no text"), Fix: overture.Say("write a text, or give every recipient one in the second column"), Field: "text"}
	}
	return Check{Name: "text", Verdict: OK, Words: overture.Say("every message ends with how to stop")}
}

// length holds the length policy against the text and against the worst row of the list (C3).
func (b brief) length() Check {
	m := measure(b.campaign.Content, b.settings)
	segments := m.Segments
	words := overture.Say("the text needs %s", segmentsOf(segments))
	if b.list.WorstSegments > segments || b.campaign.Content.Text == "" {
		segments = b.list.WorstSegments
		words = overture.Say("row %d, the longest, needs %s", b.list.WorstRow, segmentsOf(segments))
	}
	switch {
	case m.Policy == overture.LengthOneSegment && segments > 1:
		return Check{Name: "length", Verdict: Problem, Words: overture.Say("%s and the account allows one", words), Fix: overture.Say("shorten the text or that row's values, or turn smart encoding on"), Field: "text"}
	case m.Policy == overture.LengthStrict && m.Available < 0:
		return Check{Name: "length", Verdict: Problem, Words: overture.Say("the text is %d characters over the account's limit of %d, opt-out text included", -m.Available, m.Limit), Fix: overture.Say("shorten the text"), Field: "text"}
	case m.Policy == overture.LengthStrict && segments > 1:
		return Check{Name: "length", Verdict: Problem, Words: overture.Say("%s, which is over the account's limit of %d characters", words, m.Limit), Fix: overture.Say("shorten the text or that row's values"), Field: "text"}
	case m.Available < 0:
		return Check{Name: "length", Verdict: Note, Words: overture.Say("%s; the text is %d characters over the limit of %d", words, -m.Available, m.Limit), Fix: overture.Say("shorten the text if one segment is enough"), Field: "text"}
	case segments > 1 && m.Offender != "":
		return Check{Name: "length", Verdict: Note, Words: overture.Say("%s; %q forces the shorter encoding", words, m.Offender), Fix: overture.Say("turn smart encoding on, or replace the character"), Field: "text"}
	case segments > 1:
		return Check{Name: "length", Verdict: Note, Words: overture.Say("%s for each recipient: it costs and takes as much", words), Field: "text"}
	}
	return Check{Name: "length", Verdict: OK, Words: words}
}

func (b brief) recipients() Check {
	switch {
	case b.list.Loading:
		return Check{Name: "recipients", Verdict: Problem, Words: overture.Say("a list is still being read"), Fix: overture.Say("wait until the import is done"), Field: "recipients"}
	case b.list.Valid == 0:
		return Check{Name: "recipients", Verdict: Problem, Words: overture.Say("there are no valid recipients"), Fix: overture.Say("upload a CSV file or type some numbers"), Field: "recipients"}
	}
	return Check{Name: "recipients", Verdict: OK, Words: overture.Say("%s, %s in all", people(b.list.Valid), segmentsOf(int(b.list.Segments)))}
}

// rejected are the notes about the list that do not stop a launch: the rest of the list goes on (D6).
func (b brief) rejected() (out []Check) {
	if b.list.Stale {
		out = append(out, Check{Name: "list_checked", Verdict: Note, Words: overture.Say("the text was changed after the list was checked"), Fix: overture.Say("the launch checks the list again; look at the problems after it"), Field: "recipients"})
	}
	if b.list.Rejected > 0 {
		out = append(out, Check{Name: "rejected", Verdict: Note, Words: overture.Plural(b.list.Rejected, "%d row was rejected and will get nothing", "%d rows were rejected and will get nothing"), Fix: overture.Say("look at them under problems; fix them there or leave them"), Field: "problems"})
	}
	if b.list.OptedOut > 0 {
		out = append(out, Check{Name: "opted_out", Verdict: Note, Words: overture.Plural(b.list.OptedOut, "%d recipient opted out of this brand and will be skipped", "%d recipients opted out of this brand and will be skipped")})
	}
	return out
}

func (b brief) launch(now time.Time) Check {
	switch {
	case b.launchAt.IsZero():
		return Check{Name: "launch", Verdict: OK, Words: overture.Say("starts as soon as it is launched")}
	case b.launchAt.Before(now.Add(-pastGrace)):
		return Check{Name: "launch", Verdict: Problem, Words: overture.Say("the launch time %s is over", b.when(b.launchAt)), Fix: overture.Say("choose a later time, or launch now"), Field: "launch_at"}
	}
	return Check{Name: "launch", Verdict: OK, Words: overture.Say("starts at %s", b.when(b.launchAt))}
}

// window asks the planner for the first opening of the zones that stand in the list.
func (b brief) window(now time.Time) Check {
	var never, later int
	var first, last time.Time
	for _, z := range b.zones {
		due, _, expired, _ := b.windows.Next(now, z.Zones, b.campaign.Window, b.launchAt, time.Time{})
		switch {
		case expired:
			never++
		case first.IsZero() || due.Before(first):
			first = due
		}
		if !expired && due.After(now.Add(time.Minute)) && due.After(b.launchAt) {
			later++
		}
		if !expired && due.After(last) {
			last = due
		}
	}
	sampled := len(b.zones)
	switch {
	case sampled > 0 && never == sampled:
		return Check{Name: "window", Verdict: Problem, Words: overture.Say("the sending window never opens for the recipients looked at"), Fix: overture.Say("open the window on more days or hours"), Field: "window"}
	case never > 0:
		return Check{Name: "window", Verdict: Note, Words: overture.Say("of %s looked at, %d would never find the window open in every zone they may live in", people(sampled), never), Fix: overture.Say("widen the window, or give the zone in a column of the file"), Field: "window"}
	case later > 0:
		return Check{Name: "window", Verdict: Note, Words: overture.Say("of %s looked at, %d wait for the window in their own time zone; the last of them opens %s", people(sampled), later, b.when(last)), Field: "window"}
	}
	return Check{Name: "window", Verdict: OK, Words: overture.Say("the sending window is open for everybody looked at when it starts")}
}

func (b brief) validity(now time.Time) Check {
	end := b.campaign.ExpiresAt
	if end.IsZero() {
		return Check{Name: "validity", Verdict: OK, Words: overture.Say("messages wait as long as they have to")}
	}
	start := b.launchAt
	if start.Before(now) {
		start = now
	}
	if !end.After(start) {
		return Check{Name: "validity", Verdict: Problem, Words: overture.Say("the validity ends %s, before the campaign starts", b.when(end)), Fix: overture.Say("choose a later end, or leave it out"), Field: "expires_at"}
	}
	expired := 0
	for _, z := range b.zones {
		if _, _, over, _ := b.windows.Next(now, z.Zones, b.campaign.Window, b.launchAt, end); over {
			expired++
		}
	}
	switch {
	case expired > 0 && expired == len(b.zones):
		return Check{Name: "validity", Verdict: Problem, Words: overture.Say("the validity ends before the sending window opens for the first time"), Fix: overture.Say("choose a later end"), Field: "expires_at"}
	case expired > 0:
		return Check{Name: "validity", Verdict: Note, Words: overture.Say("of %s looked at, %d would expire before their window opens", people(len(b.zones)), expired), Fix: overture.Say("choose a later end"), Field: "expires_at"}
	}
	if finish := start.Add(b.duration()); finish.After(end) {
		return Check{Name: "validity", Verdict: Note, Words: overture.Say("at this rate the list is not finished when the validity ends; the rest expires"), Fix: overture.Say("raise the rate or choose a later end"), Field: "expires_at"}
	}
	return Check{Name: "validity", Verdict: OK, Words: overture.Say("what is not sent expires %s", b.when(end))}
}

// duration is the least time the list takes at the configured rate, without windows.
func (b brief) duration() time.Duration {
	return time.Duration(b.list.Segments) * time.Second / time.Duration(max(b.campaign.Rate, 1))
}

func (b brief) rate() Check {
	c := b.campaign
	if !b.senderErr && c.Rate > max(b.sender.Rate, 1) {
		return Check{Name: "rate", Verdict: Problem, Words: overture.Say("the rate of %d segments per second is over the sender's %d", c.Rate, b.sender.Rate), Fix: overture.Say("lower the rate"), Field: "rate"}
	}
	return Check{Name: "rate", Verdict: OK, Words: overture.Say("%d segments per second; at least %s of sending", c.Rate, b.duration().Round(time.Second))}
}

// when writes a time for people; the page shows it in their own zone.
func (b brief) when(t time.Time) overture.Clock { return overture.At(t.UTC(), "2006-01-02 15:04 UTC") }

func people(n int) overture.Sentence { return overture.Plural(n, "%d recipient", "%d recipients") }

func segmentsOf(n int) overture.Sentence { return overture.Plural(n, "%d segment", "%d segments") }
