package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/overture-im/overture/internal/client"
	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/store"
)

// nodeFaults happen to one of three nodes on one PostgreSQL.
func nodeFaults() []Fault {
	three := RigOptions{Nodes: 3, SenderRate: 200}
	pg := []string{onPostgres}
	return []Fault{
		{
			ID: "F-K2", Name: "one of three nodes is killed: its work goes on within lease + 5 s", Engines: pg, Rig: three, Messages: 2500,
			Profile: lab.Profile{LatencyMS: 20}, Keep: true,
			Inject: func(ctx context.Context, s *Scene) error {
				return s.eachOwner(ctx, s.Times(2, 6), func(owner int) error {
					if err := s.SignalNode(owner, syscall.SIGKILL); err != nil {
						return err
					}
					if err := pause(ctx, 2*time.Second); err != nil {
						return err
					}
					return s.StartNode(ctx, owner)
				})
			},
			Expect: gapsWithin(6 * time.Second),
		},
		{
			ID: "F-N4", Quiet: true, Name: "one sender's rate is exact under three nodes with kills", Engines: pg, Rig: three, Messages: 3000,
			Profile: lab.Profile{LatencyMS: 20}, Keep: true,
			Inject: func(ctx context.Context, s *Scene) error {
				return s.eachOwner(ctx, 2, func(owner int) error {
					// A node that does not own the sender dies, then the one that does.
					other := (owner + 1) % 3
					if err := s.SignalNode(other, syscall.SIGKILL); err != nil {
						return err
					}
					if err := pause(ctx, time.Second); err != nil {
						return err
					}
					if err := s.SignalNode(owner, syscall.SIGKILL); err != nil {
						return err
					}
					return s.Start(ctx)
				})
			},
			Expect: rateOf(200, 4),
		},
		{
			ID: "F-C3", Full: true, Name: "the owner of three is frozen for longer than its lease", Engines: pg, Rig: three, Messages: 2000,
			Profile: lab.Profile{LatencyMS: 60}, Keep: true,
			Inject: func(ctx context.Context, s *Scene) error {
				if err := s.eachOwner(ctx, s.Times(2, 10), func(owner int) error { return s.freeze(ctx, owner, 3*time.Second) }); err != nil {
					return err
				}
				return s.eachOwner(ctx, 1, func(owner int) error { return s.freeze(ctx, owner, 2*time.Minute) })
			},
		},
		{
			ID: "F-U1", Name: "rolling restart of three nodes under load: no call fails twice, nothing in doubt", Engines: pg, Rig: three, Messages: 2000,
			Profile: lab.Profile{LatencyMS: 20}, Keep: true,
			Inject: rollingRestart,
		},
		{
			ID: "F-A1", Name: "everything is stopped by hand under three nodes: nothing is asked for after a second", Engines: pg,
			Rig: RigOptions{Nodes: 3, Senders: 3, SenderRate: 100}, Profile: lab.Profile{LatencyMS: 20}, Inject: stopAll, Expect: nobodyFailed,
		},
		{
			ID: "F-T1", Quiet: true, Name: "a campaign of 100 beside a large one", Engines: onBoth, Rig: RigOptions{SenderRate: 25}, Inject: besideLarge,
		},
	}
}

// stopAll stops everything while three senders, whose leases are spread over the nodes, send, and lets it go on.
func stopAll(ctx context.Context, s *Scene) error {
	const each = 600
	for i, sender := range s.Senders {
		if _, err := s.LaunchFrom(ctx, sender, "Stopped "+strconv.Itoa(i), s.Launched, each, nil); err != nil {
			return err
		}
		s.Launched += each
	}
	if err := s.Accepted(ctx, each/2, 30*time.Second); err != nil {
		return err
	}
	if err := s.admin(ctx, "", "stop-all"); err != nil {
		return err
	}
	stopped := time.Now()
	if err := pause(ctx, 4*time.Second); err != nil {
		return err
	}
	again := time.Now()
	if err := s.admin(ctx, "", "start-all"); err != nil {
		return err
	}
	if err := s.Accepted(ctx, s.Launched, time.Minute); err != nil {
		return err
	}
	last, before := stopped, 0
	for e, err := range s.Lab.Ledger(ctx, 0) {
		if err != nil {
			return err
		}
		if at := time.UnixMilli(e.RequestedAt); at.Before(again) {
			before++
			if at.After(last) {
				last = at
			}
		}
	}
	s.Note("%d of %d before; the last request %v after the command ended", before, s.Launched, last.Sub(stopped).Round(time.Millisecond))
	if last.Sub(stopped) > time.Second {
		return fmt.Errorf("a message left %v after everything was stopped", last.Sub(stopped))
	}
	if before == s.Launched {
		return errors.New("everything had been sent before it was stopped: this proves nothing")
	}
	return nil
}

// moreToSend launches one more campaign when little is left of the one under way, so that a fault that is repeated meets work each time.
func (s *Scene) moreToSend(ctx context.Context) error {
	p, err := s.API.Progress(ctx, s.Campaign)
	if err != nil || p.Waiting >= 500 {
		return err
	}
	s.Campaign, err = s.Go(ctx, 1500)
	return err
}

// eachOwner finds the node that owns the sender and is sending, n times.
func (s *Scene) eachOwner(ctx context.Context, n int, f func(owner int) error) error {
	book, err := s.Store(ctx)
	if err != nil {
		return err
	}
	defer book.Close()
	for range n {
		if err := s.moreToSend(ctx); err != nil {
			return err
		}
		owner, err := owning(ctx, book)
		if err != nil {
			return err
		}
		if err := f(owner); err != nil {
			return err
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func owning(ctx context.Context, book *store.Store) (node int, err error) {
	err = Until(ctx, "a node is sending", 15*time.Second, func() (bool, error) {
		owners, err := book.OpenMarkers(ctx)
		if err != nil {
			return false, err
		}
		for owner := range owners {
			_, err := fmt.Sscanf(owner, "node %d ", &node)
			return err == nil, err
		}
		return false, nil
	})
	return node, err
}

// acceptances gives when the lab took each message of a number, in order.
func (s *Scene) acceptances(ctx context.Context, from string) ([]time.Time, error) {
	var at []time.Time
	for e, err := range s.Lab.Ledger(ctx, 0) {
		if err != nil {
			return nil, err
		}
		if e.From == from {
			at = append(at, time.UnixMilli(e.AcceptedAt))
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	if len(at) < 2 {
		return nil, errors.New("the ledger is empty")
	}
	return at, nil
}

// gapsWithin expects that the carrier never waited longer than that between two messages.
func gapsWithin(limit time.Duration) func(context.Context, *Scene) error {
	return func(ctx context.Context, s *Scene) error {
		at, err := s.acceptances(ctx, rigNumber)
		if err != nil {
			return err
		}
		longest := time.Duration(0)
		for i := 1; i < len(at); i++ {
			longest = max(longest, at[i].Sub(at[i-1]))
		}
		s.Note("longest gap %v", longest.Round(time.Millisecond))
		if longest > limit {
			return fmt.Errorf("nothing was sent for %v; at most %v is allowed", longest, limit)
		}
		return nil
	}
}

// rateOf expects the sender's rate from the lab's ledger: within 2 % while somebody sends, and in no five seconds more than 2 % and a
// burst above it. Gaps of half a second and more are takeovers; what a new owner does in its first half second counts only for the most.
func rateOf(rate float64, takeoversAtMost int) func(context.Context, *Scene) error {
	return func(ctx context.Context, s *Scene) error {
		at, err := s.acceptances(ctx, rigNumber)
		if err != nil {
			return err
		}
		const takeover, window = 500 * time.Millisecond, 5 * time.Second
		sending := time.Duration(0)
		counted, takeovers, most, first := 0, 0, 0, 0
		began := at[0]
		for i := range at {
			for at[i].Sub(at[first]) > window {
				first++
			}
			most = max(most, i-first+1)
			if i == 0 {
				continue
			}
			switch gap := at[i].Sub(at[i-1]); {
			case gap >= takeover:
				takeovers++
				began = at[i]
			case at[i-1].Sub(began) >= takeover:
				sending += gap
				counted++
			}
		}
		seen := float64(counted) / sending.Seconds()
		s.Note("%.1f/s of %.0f/s over %.1f s, %d takeovers, at most %d in 5 s", seen, rate, sending.Seconds(), takeovers, most)
		if counted < len(at)/2 || takeovers > takeoversAtMost {
			return fmt.Errorf("%d interruptions, and only %d of %d messages tell the rate", takeovers, counted, len(at))
		}
		if seen > rate*1.02 || seen < rate*0.98 {
			return fmt.Errorf("the sender went at %.1f/s and its rate is %.0f/s", seen, rate)
		}
		if limit := rate*window.Seconds()*1.02 + rate*0.1; float64(most) > limit {
			return fmt.Errorf("%d messages in five seconds, and %.0f are allowed", most, limit)
		}
		return nil
	}
}

// rollingRestart stops and starts one node after the other while a client calls without a pause.
func rollingRestart(ctx context.Context, s *Scene) error {
	once, err := client.New(client.Options{URL: s.URL(), Tries: 2})
	if err != nil {
		return err
	}
	if err := once.SignIn(ctx, rigEmail, rigPassword); err != nil {
		return err
	}
	calling, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, 1)
	calls := 0
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; calling.Err() == nil; i++ {
			var err error
			if i%2 == 0 {
				_, err = once.Skills(calling)
			} else {
				_, err = once.CreateSkill(calling, fmt.Sprintf("Rolling %d", i))
			}
			if err != nil && calling.Err() == nil {
				failed <- err
				return
			}
			calls++
			_ = pause(calling, 5*time.Millisecond)
		}
	})
	for range s.Times(1, 5) {
		for i := range 3 {
			if err := pause(ctx, 300*time.Millisecond); err != nil {
				return err
			}
			if err := s.SignalNode(i, syscall.SIGTERM); err != nil {
				return err
			}
			if err := s.StartNode(ctx, i); err != nil {
				return err
			}
		}
	}
	stop()
	wg.Wait()
	s.Note("%d calls during the restarts", calls)
	select {
	case err := <-failed:
		return fmt.Errorf("a call failed twice during a rolling restart: %w", err)
	default:
		return nil
	}
}

// besideLarge measures a campaign of 100, alone and beside a large one of the same sender, while that one is still being planned.
func besideLarge(ctx context.Context, s *Scene) error {
	small := func(name string) (time.Duration, error) {
		c, err := s.Draft(ctx, name, 0)
		if err != nil {
			return 0, err
		}
		file := io.NewSectionReader(listOf(s.Launched, 100), 0, 100*listRow)
		if _, err := s.API.Upload(ctx, c, file, "people.csv", nil, nil); err != nil {
			return 0, err
		}
		people := map[string]bool{}
		for i := range 100 {
			to, _, _ := strings.Cut(rowOf(s.Launched+i), ",")
			people[to] = true
		}
		s.Launched += 100
		began := time.Now()
		if _, err := s.API.Launch(ctx, c, true, nil, "launch-"+c); err != nil {
			return 0, err
		}
		err = Until(ctx, name+" is sent", time.Minute, func() (bool, error) {
			p, err := s.API.Progress(ctx, c)
			return err == nil && p.Accepted == 100, err
		})
		if err != nil {
			return 0, err
		}
		var last int64
		for e, err := range s.Lab.Ledger(ctx, 0) { // progress is told a few times a second; the ledger knows exactly
			if err != nil {
				return 0, err
			}
			if people[e.To] && e.RequestedAt >= began.UnixMilli() {
				last = max(last, e.AcceptedAt)
			}
		}
		return time.UnixMilli(last).Sub(began), nil
	}
	alone, err := small("Small, alone")
	if err != nil {
		return err
	}
	n := s.Times(50_000, 1_000_000)
	large, err := s.Go(ctx, n)
	if err != nil {
		return err
	}
	if err := s.Accepted(ctx, 110, 30*time.Second); err != nil {
		return err
	}
	beside, err := small("Small, beside a large one")
	if err != nil {
		return err
	}
	s.Note("alone %v, beside %d: %v, %.2f of it", alone.Round(10*time.Millisecond), n, beside.Round(10*time.Millisecond), beside.Seconds()/alone.Seconds())
	if _, err := s.API.Act(ctx, large, "cancel", nil); err != nil {
		return err
	}
	if err := Until(ctx, "the large one is canceled", 5*time.Minute, func() (bool, error) {
		p, err := s.API.Progress(ctx, large)
		return err == nil && p.Waiting == 0, err
	}); err != nil {
		return err
	}
	if beside > alone*12/10 {
		return fmt.Errorf("a campaign of 100 took %v beside %d others and %v alone", beside, n, alone)
	}
	return nil
}
