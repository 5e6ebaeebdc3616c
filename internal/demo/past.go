package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture/internal/client"
	"github.com/overture-im/overture/internal/lab"
)

// past is a small campaign to the people of one city. The product has no door through which the past could be written, so the demo does not
// write one: these really go out, within seconds, to the phones of the lab. Then the whole database is turned back by some days, see turnBack.
type past struct {
	name, city, skill string
	daysAgo           int
	text              string
	rate              int
	cancel            string // after a moment, with this reason
	habits            []lab.Rule
}

func pasts() []past {
	return []past{
		{
			name: "Chicago: the new shop opens", city: "Chicago", daysAgo: 6, skill: loyalty, rate: 60,
			text: "Harbor Coffee opens on Lake Street in {{city}} on Friday. First cup free with {{code}}. Coming?",
			habits: []lab.Rule{
				{Share: 0.22, Turns: turns("Yes, see you there!", "Thank you!")},
				{Share: 0.1, Turns: turns("Is there oat milk?", "Great, thanks")},
			},
		},
		{
			name: "Denver: the list of last year", city: "Denver", daysAgo: 5, skill: loyalty, rate: 60,
			text: "Harbor Coffee {{city}}: we miss you. {{code}} is a free cake with any coffee.",
			habits: []lab.Rule{
				{Share: 0.28, Refuse: 21614},
				{Share: 0.3, Undelivered: 30005},
				{Share: 0.12, Undelivered: 30003},
			},
		},
		{
			name: "Miami: summer menu", city: "Miami", daysAgo: 3, skill: loyalty, rate: 60,
			text: "Harbor Coffee {{city}}: cold brew all summer, half the price with {{code}} before noon.",
			habits: []lab.Rule{
				{Share: 0.05, Turns: turns("Please leave me alone")},
				{Share: 0.14, Turns: turns("STOP")},
				{Share: 0.06, Turns: turns("No thanks")},
				{Share: 0.1, Turns: turns("What is cold brew?", "Sounds good")},
			},
		},
		{
			name: "Dallas: ready for pick-up", city: "Dallas", daysAgo: 2, skill: orders, rate: 60,
			text: "Harbor Coffee {{city}}: your order {{code}} is ready for pick-up until six.",
			habits: []lab.Rule{
				{Share: 0.07, Fault: "server_error_refused"}, // which may have taken the message, for all that we know
				{Share: 0.3, Turns: turns("On my way", "Thanks!")},
			},
		},
		{
			name: "Honolulu: early birds", city: "Honolulu", daysAgo: 1, skill: loyalty, rate: 10, cancel: "The shop opens a week later than planned",
			text: "Harbor Coffee {{city}} opens at six from Monday. {{code}} is your first cup.",
		},
	}
}

// turns are a person's answers, one to each message.
func turns(texts ...string) [][]lab.Reply { return answers(texts...).Turns }

// pastScripts are what the people of the past do; the story's number is none of theirs.
func pastScripts() []lab.Rule {
	var rules []lab.Rule
	for _, p := range pasts() {
		for i, r := range p.habits {
			r.Name, r.Sender, r.Prefix = fmt.Sprintf("%s, %d", p.name, i+1), numberOf(p.skill), placeOf(p.city).prefix
			rules = append(rules, r)
		}
	}
	return rules
}

func numberOf(skill string) string {
	if skill == orders {
		return ordersNumber
	}
	return loyaltyNumber
}

func placeOf(city string) place {
	for _, p := range awake {
		if p.city == city {
			return p
		}
	}
	return place{} // whose list is empty: the launch says so
}

// listOf is the file of everybody in these places.
func listOf(code string, places ...place) *strings.Reader {
	rows := []string{"phone,city,code"}
	for _, p := range places {
		for i := range p.people {
			rows = append(rows, fmt.Sprintf("%s,%s,%s-%03d", p.number(i), p.city, code, len(rows)))
		}
	}
	return strings.NewReader(strings.Join(rows, "\n") + "\n")
}

// history lets the small campaigns go out, one day after the other.
func (s *stage) history(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	all := pasts()
	for i, p := range all {
		s.say("  day %+d  %s", -p.daysAgo, p.name)
		if err := s.day(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		next := 0
		if i+1 < len(all) {
			next = all[i+1].daysAgo
		} else {
			s.options.Send = fast() // today is watched
		}
		if err := s.turnBack(ctx, p.daysAgo-next); err != nil {
			return err
		}
	}
	return nil
}

// day runs one campaign until every message has its receipt, everybody who wrote has an answer, and the desk is empty.
func (s *stage) day(ctx context.Context, p past) error {
	working, stop := context.WithCancel(ctx)
	desk := &desk{api: s.agent}
	done := make(chan error, 1)
	go func() { done <- desk.work(working) }()
	err := s.run(ctx, p)
	for looks := 0; err == nil && looks < 3; looks++ { // an answer may be between the carrier and the desk
		if !s.quiet(ctx) || desk.busy() {
			looks = -1
		}
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
	stop()
	if worked := <-done; err == nil {
		err = worked
	}
	if err != nil {
		return err
	}
	return desk.closeAll(ctx)
}

func (s *stage) run(ctx context.Context, p past) error {
	w, err := window(time.Now())
	if err != nil {
		return err
	}
	made, _, err := s.manager.LaunchFile(ctx, client.Launch{
		Draft: client.Draft{Name: p.name, Channel: "sms", Sender: s.others[p.skill].ID, Skill: s.skills[p.skill], Text: p.text, Window: wireWindow(w), Rate: p.rate},
		File:  listOf("CUP", placeOf(p.city)), FileName: strings.ToLower(p.city) + ".csv", Consent: true,
	})
	if err != nil {
		return err
	}
	if p.cancel != "" {
		if err := s.sent(ctx, made.ID, 12); err != nil {
			return err
		}
		if _, err := s.manager.Act(ctx, made.ID, "cancel", map[string]string{"reason": p.cancel}); err != nil {
			return err
		}
	}
	_, err = s.manager.Watch(ctx, made.ID, 300*time.Millisecond, func(client.Progress) {}, func(now client.Progress) bool { return now.Waiting == now.Held })
	return err
}

// sent waits until some messages of the campaign are with the provider.
func (s *stage) sent(ctx context.Context, campaign string, some int) error {
	_, err := s.manager.Watch(ctx, campaign, 200*time.Millisecond, func(client.Progress) {}, func(now client.Progress) bool { return now.Accepted >= some })
	return err
}
