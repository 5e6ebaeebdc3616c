package demo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/client"
	"github.com/overture-im/overture/internal/proof"
)

const text = "Harbor Coffee {{city}}: code {{code}} is a free cup until Sunday. Questions? Just answer."

// launch goes the way a person would: draft, upload, look at the problems, launch with consent.
func (s *stage) launch(ctx context.Context) (campaign string, read client.Import, err error) {
	w, err := window(time.Now())
	if err != nil {
		return "", read, err
	}
	made, _, err := s.manager.LaunchFile(ctx, client.Launch{
		Draft: client.Draft{Name: "Spring offer", Channel: "sms", Sender: s.sender.ID, Skill: s.skills[offers], Text: text, Window: wireWindow(w), Rate: rate},
		File:  strings.NewReader(peopleCSV), FileName: "people.csv", Consent: true,
		Read: func(i client.Import, causes map[string]int, _ []client.Problem) error {
			read = i
			s.say("\npeople.csv: %d rows, %d recipients, %d rejected (%s)", i.Rows, i.Valid, i.Rejected, inWords(causes))
			return nil
		},
	})
	if err != nil {
		return "", read, fmt.Errorf("launch the campaign: %w", err)
	}
	s.say("launched %s as the campaign manager; the agent is at the desk\n", made.ID)
	return made.ID, read, nil
}

func inWords(causes map[string]int) string {
	var all []string
	for _, code := range slices.Sorted(maps.Keys(causes)) {
		all = append(all, fmt.Sprintf("%d %s", causes[code], strings.ReplaceAll(code, "_", " ")))
	}
	return strings.Join(all, ", ")
}

// desk is the agent at work: answers what people wrote.
type desk struct {
	api      *client.Client
	mu       sync.Mutex
	answered map[string]bool
	open     bool
}

func (d *desk) work(ctx context.Context) error {
	d.answered = map[string]bool{}
	tick := time.NewTicker(400 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := d.round(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("the agent's work: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// round answers every conversation in which something is unread.
func (d *desk) round(ctx context.Context) error {
	mine, err := d.api.Conversations(ctx, "assigned", true, 500)
	if err != nil {
		return err
	}
	unread := 0
	for _, c := range mine {
		if c.Unread == 0 || c.OptedOut {
			continue
		}
		unread++
		if err := d.api.Answer(ctx, c.ID, answerTo(c.LastText)); err != nil {
			return err
		}
		if err := d.api.MarkRead(ctx, c.ID); err != nil {
			return err
		}
		d.mu.Lock()
		d.answered[c.ID] = true
		d.mu.Unlock()
	}
	d.mu.Lock()
	d.open = unread > 0
	d.mu.Unlock()
	return nil
}

// answerTo is what the agent says.
func answerTo(words string) string {
	switch words = strings.ToLower(words); {
	case strings.Contains(words, "sunday"):
		return "Yes, from nine to five on Sunday. See you!"
	case strings.Contains(words, "thank"):
		return "You are welcome."
	case strings.Contains(words, "yes"):
		return "Lovely! Show your code at the counter."
	case strings.Contains(words, "not"):
		return "No worries, maybe next time."
	default:
		return "Any cup on the menu, hot or cold. Just show your code."
	}
}

func (d *desk) idle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.open && len(d.answered) > 0
}

// busy tells whether somebody waits for an answer.
func (d *desk) busy() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open
}

// closeAll ends the day.
func (d *desk) closeAll(ctx context.Context) error {
	mine, err := d.api.Conversations(ctx, "assigned", true, 500)
	if err != nil {
		return err
	}
	for _, c := range mine {
		if err := d.api.Close(ctx, c.ID); err != nil {
			return err
		}
	}
	return nil
}

func (d *desk) words() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fmt.Sprintf(" · agent answered %d", len(d.answered))
}

// result reads what became of everybody: the campaign's figures from the API, the proof from database and ledger.
func (s *stage) result(ctx context.Context, campaign string, read client.Import) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, 9*time.Second)
	defer cancel()
	p, err := s.settled(ctx, campaign)
	if err != nil {
		return Result{}, err
	}
	all, err := s.admin.Conversations(ctx, "", false, 10_000)
	if err != nil {
		return Result{}, err
	}
	all = slices.DeleteFunc(all, func(c client.Conversation) bool { return c.Campaign != campaign })
	answered := 0
	for _, c := range all {
		entries, err := s.admin.Transcript(ctx, c.ID)
		if err != nil {
			return Result{}, err
		}
		if slices.ContainsFunc(entries, answerArrived) {
			answered++
		}
	}
	report, err := proof.Verify(ctx, s.server.Book(), proof.LabLedger(ctx, s.lab))
	if err != nil {
		return Result{}, err
	}
	for _, f := range report.Findings {
		s.say("BROKEN: not true that %s: %d", f.Says, f.Count)
	}
	return Result{
		Recipients: read.Rows, Rejected: read.Rejected, Accepted: p.Accepted, Delivered: p.Delivered, Failed: p.Counts["failed"], Suppressed: p.Suppressed,
		Waiting: p.Counts["queued"], Held: p.Held, Replied: p.Replied, OptedOut: p.OptedOut, Conversations: len(all), Answered: answered,
		Lost: report.Lost, Duplicated: report.Duplicated + findings(report),
	}, nil
}

// settled reads the progress until two looks agree: the API's figures may be half a second old.
func (s *stage) settled(ctx context.Context, campaign string) (client.Progress, error) {
	var last client.Progress
	agree := 0
	return s.manager.Watch(ctx, campaign, 700*time.Millisecond, func(p client.Progress) {
		if agree++; !maps.Equal(p.Counts, last.Counts) || p.Replied != last.Replied || p.OptedOut != last.OptedOut {
			agree = 0
		}
		last = p
	}, func(client.Progress) bool { return agree > 0 })
}

// answerArrived tells whether the entry is an agent's answer that the provider has.
func answerArrived(e client.Entry) bool {
	state, err := overture.ParseState(e.Delivery)
	return err == nil && e.Author == string(overture.AuthorAgent) && state.WasAccepted()
}

// findings makes every other broken promise fail the demo too.
func findings(r proof.Report) int {
	if r.Clean() || r.Lost > 0 || r.Duplicated > 0 {
		return 0
	}
	return len(r.Findings)
}
