package campaign

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/segment"
	"github.com/overture-im/overture/internal/kit/tz"
)

// Answer of one check of why / why-not.
type Answer string

// The answers.
const (
	Passes  Answer = "passes"
	Waits   Answer = "waits" // not now, but later by itself
	Stops   Answer = "stops" // this is why the person does not get it
	Unclear Answer = "unclear"
)

// Reason is one check in the order in which they decide (G5): what it looked at, under which version of its rule, and what came out.
type Reason struct {
	Check   string // stable machine word
	Answer  Answer
	Words   overture.Sentence
	Input   map[string]string
	Rule    string // name and version of the rule
	Pack    string // and version, of a rule that stands in a policy pack
	TZData  string // version of the time-zone data it was decided with, where clocks matter
	Decided time.Time
}

// The versions of the rules. Raise one when what it decides changes, so that an old answer can be told from a new one.
const (
	ruleLife       = "campaign-life/1"
	ruleSender     = "sender/1"
	ruleText       = "final-text/1"
	ruleOptOut     = "opt-out-brand-wide/1"
	ruleTalk       = "open-conversation/1"
	ruleValidity   = "validity/1"
	ruleWindow     = "recipient-window/1"
	rulePolicy     = "policy-packs/1"
	ruleCap        = "frequency-cap/1"
	ruleRate       = "sender-rate/1"
	ruleDispatched = "send-protocol/1"
)

// Moment is one line of a recipient's timeline.
type Moment struct {
	At    time.Time
	Kind  string // launched, attempt, receipt, reply
	Words overture.Sentence
	Code  int
}

// Story is all about one recipient: where the message stands, what happened, and why.
type Story struct {
	Facts    overture.Facts
	Text     overture.Text // as it goes or went out
	Encoding string
	Units    int
	Segments int
	Timeline []Moment
	Why      []Reason
}

// Story tells one recipient's timeline and the ordered checks. For a message that ended, the checks are those of now; what stopped it
// stands in the last one, which is read from its row.
func (s *Service) Story(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, recipient overture.RecipientID) (Story, error) {
	f, err := s.store.RecipientFacts(ctx, account, campaign, recipient)
	if err != nil {
		return Story{}, err
	}
	out := Story{Facts: f, Timeline: timeline(f)}
	text, err := finalText(f.Campaign.Content, f.Recipient.Personal)
	if err == nil {
		r := segment.Measure(text)
		out.Text, out.Encoding, out.Units, out.Segments = overture.Text(text), r.Encoding, r.Units, r.Segments
	}
	out.Why = why(f, text, err, s.windows, time.Now())
	return out, nil
}

func finalText(content overture.Content, personal overture.Personal) (string, error) {
	text, err := content.For(personal)
	if err == nil && content.SmartEncoding {
		text = segment.Smart(text)
	}
	return text, err
}

func why(f overture.Facts, text string, textErr error, windows Windows, now time.Time) []Reason {
	out := append([]Reason{whyLife(f)}, whyRails(f, now)...)
	out = append(out, whySender(f), whyText(f, text, textErr), whyOptOut(f), whyTalk(f), whyValidity(f, now), whyWindow(f, windows, now))
	out = append(out, whyPolicy(f, now)...)
	out = append(out, whyCaps(f, now)...)
	out = append(out, whyRate(f), whyOutcome(f))
	for i := range out {
		out[i].Decided = now
	}
	return out
}

func whyLife(f overture.Facts) Reason {
	c := f.Campaign
	r := Reason{Check: "campaign", Rule: ruleLife, Input: map[string]string{"state": string(c.State)}}
	switch c.State {
	case overture.Draft:
		r.Answer, r.Words = Waits, overture.Say("the campaign is a draft; nothing goes out before it is launched")
	case overture.Scheduled:
		r.Answer, r.Words = Waits, overture.Say("the campaign starts at %s", exactly(c.LaunchAt))
		r.Input["launch_at"] = c.LaunchAt.UTC().Format(time.RFC3339)
	case overture.Paused:
		r.Answer, r.Words = Waits, overture.Say("the campaign is paused; %s", overture.Written(c.Reason))
	case overture.CampaignCanceled:
		r.Answer, r.Words = Stops, overture.Say("the campaign was canceled; %s", overture.Written(c.Reason))
	default:
		r.Answer, r.Words = Passes, overture.Say("the campaign is %s", overture.Written(string(c.State)))
	}
	return r
}

func whySender(f overture.Facts) Reason {
	r := Reason{Check: "sender", Rule: ruleSender, Input: map[string]string{"sender": f.SenderName}}
	if f.SenderStopped {
		r.Answer, r.Words = Waits, overture.Say("the sender is stopped: %s", overture.Written(f.SenderStopReason))
		return r
	}
	r.Answer, r.Words = Passes, overture.Say("the sender works")
	return r
}

func whyText(f overture.Facts, text string, err error) Reason {
	r := Reason{Check: "text", Rule: ruleText, Input: map[string]string{"own_text": yes(f.Recipient.Personal.Text != "")}}
	if err != nil {
		r.Answer, r.Words = Stops, overture.Say("the text cannot be made for this row: %s", overture.Written(err.Error()))
		return r
	}
	m := segment.Measure(text)
	r.Input["characters"], r.Input["encoding"], r.Input["segments"] = fmt.Sprint(utf8.RuneCountInString(text)), m.Encoding, fmt.Sprint(m.Segments)
	if !strings.HasSuffix(text, f.Campaign.Content.OptOutText) && !f.Campaign.Content.SmartEncoding {
		r.Answer, r.Words = Stops, overture.Say("the final text does not end with how to stop")
		return r
	}
	r.Answer, r.Words = Passes, overture.Say("the text has %s and ends with how to stop", segmentsOf(m.Segments))
	return r
}

// past tells when the provider took the message; a later opt-out or conversation did not stop it.
func past(f overture.Facts) (time.Time, bool) {
	if f.Message == nil || !f.Message.State.WasAccepted() {
		return time.Time{}, false
	}
	return f.Message.AcceptedAt, true
}

func whyOptOut(f overture.Facts) Reason {
	r := Reason{Check: "opt_out", Rule: ruleOptOut, Input: map[string]string{"brand": f.Campaign.BrandID.String(), "opted_out": yes(!f.OptedOutAt.IsZero())}}
	if f.OptedOutAt.IsZero() {
		r.Answer, r.Words = Passes, overture.Say("the person has not opted out of the brand")
		if f.Message != nil && f.Message.Reason == overture.ReasonOptedOut {
			r.Answer, r.Words = Stops, overture.Say("the person had opted out when the message was due; they came back since then")
		}
		return r
	}
	at := f.OptedOutAt.UTC().Format(time.RFC3339)
	r.Input["since"], r.Input["source"] = at, string(f.OptOutSource)
	if accepted, sent := past(f); sent && !accepted.After(f.OptedOutAt) {
		r.Answer, r.Words = Passes, overture.Say("the person opted out at %s, after this message had gone", exactly(f.OptedOutAt))
		return r
	}
	r.Answer, r.Words = Stops, overture.Say("the person opted out of the brand at %s", exactly(f.OptedOutAt))
	return r
}

func whyTalk(f overture.Facts) Reason {
	r := Reason{Check: "open_conversation", Rule: ruleTalk, Input: map[string]string{"policy": string(f.Campaign.OpenConversation), "open": yes(!f.TalkSince.IsZero())}}
	_, sent := past(f)
	switch {
	case f.Message != nil && f.Message.Reason == overture.ReasonOpenConversation:
		r.Answer, r.Words = Stops, overture.Say("the person was in a conversation with the brand when the message was due")
	case f.TalkSince.IsZero():
		r.Answer, r.Words = Passes, overture.Say("the person is in no open conversation with the brand")
	case sent:
		r.Answer, r.Words = Passes, overture.Say("the conversation with the brand is open now; the message has gone")
	case f.Campaign.OpenConversation == overture.OpenConversationDeliver:
		r.Answer, r.Words = Passes, overture.Say("the person is in an open conversation, and the campaign sends into it")
	case f.Campaign.OpenConversation == overture.OpenConversationHold:
		r.Answer, r.Words = Waits, overture.Say("the person is in an open conversation; the message waits for its end")
	default:
		r.Answer, r.Words = Stops, overture.Say("the person is in an open conversation with the brand, and the campaign skips those")
	}
	return r
}

func whyValidity(f overture.Facts, now time.Time) Reason {
	end := f.Campaign.ExpiresAt
	r := Reason{Check: "validity", Rule: ruleValidity, Input: map[string]string{}}
	if end.IsZero() {
		r.Answer, r.Words = Passes, overture.Say("the campaign has no end of validity")
		return r
	}
	r.Input["expires_at"] = end.UTC().Format(time.RFC3339)
	if _, sent := past(f); sent || end.After(now) {
		r.Answer, r.Words = Passes, overture.Say("the validity ends at %s", exactly(end))
		return r
	}
	r.Answer, r.Words = Stops, overture.Say("the validity ended at %s", exactly(end))
	return r
}

func whyWindow(f overture.Facts, windows Windows, now time.Time) Reason {
	zones := strings.Join(f.Recipient.Zones, ", ")
	if zones == "" {
		zones = "unknown: the window must be open everywhere"
	}
	r := Reason{
		Check: "window", Rule: ruleWindow, TZData: tzdataOf(f),
		Input: map[string]string{"zones": zones, "zone_source": f.Recipient.ZoneSource},
	}
	if accepted, sent := past(f); sent {
		r.Answer, r.Words = Passes, overture.Say("it was sent at %s", localTimes(accepted, f.Recipient.Zones))
		r.Input["sent_at"] = accepted.UTC().Format(time.RFC3339)
		return r
	}
	if f.Message != nil && f.Message.State.Final() {
		r.Answer, r.Words = Passes, overture.Say("nothing is planned for it any more")
		return r
	}
	due, notAfter, reason := f.Due, f.NotAfter, ""
	if due.IsZero() || now.After(notAfter) {
		var expired bool
		if due, notAfter, expired, reason = windows.Next(now, f.Recipient.Zones, f.Campaign.Window.Under(f.Rules.For(f.Recipient.Address)), f.Campaign.LaunchAt, f.Campaign.ExpiresAt); expired {
			r.Answer, r.Words = Stops, overture.Written(reason)
			return r
		}
	}
	r.Input["due_at"], r.Input["not_after"] = due.UTC().Format(time.RFC3339), notAfter.UTC().Format(time.RFC3339)
	if due.After(now) {
		r.Answer, r.Words = Waits, overture.Say("it waits until %s", localTimes(due, f.Recipient.Zones))
		return r
	}
	r.Answer, r.Words = Passes, overture.Say("the window is open until %s", localTimes(notAfter, f.Recipient.Zones))
	return r
}

// localTimes writes a moment as the clocks in the zones show it.
func localTimes(t time.Time, zones []string) overture.Sentence {
	var out []overture.Sentence
	for _, name := range zones {
		if loc, err := tz.Load(name); err == nil && len(out) < 3 {
			out = append(out, overture.Say("%s in %s", overture.At(t.In(loc), "2006-01-02 15:04"), name))
		}
	}
	if len(out) == 0 {
		return overture.Say("%s", overture.At(t.UTC(), "2006-01-02 15:04 UTC"))
	}
	return overture.Joined(", ", out...)
}

// exactly writes a moment as the API does.
func exactly(t time.Time) overture.Clock { return overture.At(t.UTC(), time.RFC3339) }

func whyRate(f overture.Facts) Reason {
	r := Reason{
		Check: "rate", Rule: ruleRate, Answer: Passes,
		Input: map[string]string{"campaign_rate": fmt.Sprint(f.Campaign.Rate), "sender_rate": fmt.Sprint(f.SenderRate)},
	}
	r.Words = overture.Say("at most %s per second, shared with the other campaigns of this sender", segmentsOf(min(f.Campaign.Rate, max(f.SenderRate, 1))))
	return r
}

// whyOutcome is what the message's row says: it has the last word.
func whyOutcome(f overture.Facts) Reason {
	r := Reason{Check: "message", Rule: ruleDispatched, Input: map[string]string{}}
	if f.Message == nil {
		r.Answer, r.Words = Waits, overture.Say("the message is not planned yet")
		return r
	}
	m := f.Message
	r.Input["state"], r.Input["attempts"] = m.State.String(), fmt.Sprint(m.Attempts)
	if m.Reason != "" {
		r.Input["reason"] = m.Reason
	}
	if m.Code != 0 {
		r.Input["code"] = fmt.Sprint(m.Code)
	}
	switch m.State {
	case overture.Queued:
		r.Answer, r.Words = Waits, overture.Say("it is queued")
	case overture.Attempting:
		r.Answer, r.Words = Waits, overture.Say("it is being sent")
	case overture.Unknown:
		r.Answer, r.Words = Unclear, overture.Say("a send may have happened; the provider's own record decides")
	case overture.Held:
		r.Answer, r.Words = Unclear, overture.Say("a send may have happened and cannot be proven; a person has to decide")
	case overture.Canceled, overture.Expired, overture.Suppressed, overture.Failed, overture.Undelivered:
		r.Answer, r.Words = Stops, ended(m)
	case overture.Accepted, overture.Sent, overture.Delivered, overture.Read:
		r.Answer, r.Words = Passes, overture.Say("it is %s", overture.Written(m.State.String()))
	}
	if slices.ContainsFunc(f.Attempts, func(a overture.Attempt) bool { return a.Outcome == "resent_without_proof" }) {
		r.Input["resent_without_proof"] = "yes"
		r.Words = overture.Say("%s; it was sent again without proof because the campaign must reach everybody: the person may have it twice", r.Words)
	}
	return r
}

func ended(m *overture.Message) overture.Sentence {
	words := overture.Say("it is %s", overture.Written(m.State.String()))
	if m.Reason != "" {
		words = overture.Say("it is %s (%s)", overture.Written(m.State.String()), overture.Written(m.Reason))
	}
	if m.Code != 0 {
		words = overture.Say("%s, the provider's code is %s", words, fmt.Sprint(m.Code))
	}
	return words
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// timeline puts everything that happened to the message in the order of time.
func timeline(f overture.Facts) []Moment {
	var out []Moment
	if !f.Campaign.LaunchedAt.IsZero() {
		out = append(out, Moment{At: f.Campaign.LaunchedAt, Kind: "launched", Words: overture.Say("the campaign was launched")})
	}
	for _, a := range f.Attempts {
		out = append(out, Moment{At: a.StartedAt, Kind: "attempt", Words: overture.Say("attempt %d: %s", a.N, overture.Written(strings.ReplaceAll(a.Outcome, "_", " "))), Code: a.Code})
	}
	for _, r := range f.Receipts {
		out = append(out, Moment{At: r.ReceivedAt, Kind: "receipt", Words: overture.Say("the provider reports: %s", overture.Written(r.State.String())), Code: r.Code})
	}
	for _, in := range f.Inbounds {
		out = append(out, Moment{At: in.ReceivedAt, Kind: "reply", Words: overture.Say("%s", in.Body)})
	}
	slices.SortStableFunc(out, func(a, b Moment) int { return a.At.Compare(b.At) })
	return out
}
