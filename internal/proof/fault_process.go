package proof

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/overture-im/overture/internal/lab"
)

// processFaults happen to the server process: killed, stopped, frozen, out of descriptors.
func processFaults() []Fault {
	slow := lab.Profile{LatencyMS: 20, JitterMS: 20}
	return []Fault{
		{
			ID: "F-K1", Name: "SIGKILL under load: what was acknowledged is there", Engines: onBoth, Profile: slow, Messages: 600, Keep: true,
			Inject: killUnderCalls,
		},
		{
			ID: "F-K3", Name: "SIGTERM under load: in time, nothing left in doubt, one retry is enough", Engines: onBoth, Profile: slow, Messages: 800, Keep: true,
			Inject: terminateUnderLoad,
		},
		{
			ID: "F-C2", Name: "frozen for longer than the lease, with nobody to take over", Profile: lab.Profile{LatencyMS: 60}, Messages: 300, Keep: true,
			Inject: func(ctx context.Context, s *Scene) error {
				for range s.Times(2, 6) {
					if err := s.freeze(ctx, 0, 2500*time.Millisecond); err != nil {
						return err
					}
				}
				return nil
			},
		},
		{
			ID: "F-C4", Full: true, Name: "frozen for two minutes, with nobody to take over", Profile: lab.Profile{LatencyMS: 60}, Messages: 300, Keep: true,
			Inject: func(ctx context.Context, s *Scene) error { return s.freeze(ctx, 0, 2*time.Minute) },
		},
		{
			ID: "F-N2", Name: "slow callers hold 300 connections with half a request", Profile: slow, Messages: 300, Keep: true,
			Inject: slowCallers,
		},
		{
			ID: "F-N3", Name: "out of file descriptors", Profile: slow, Messages: 300, Keep: true,
			Prepare: func(_ context.Context, s *Scene) error {
				sh, err := exec.LookPath("sh")
				if err != nil {
					return &skip{"there is no sh"}
				}
				s.Options.Wrap = []string{sh, "-c", `ulimit -n 80; exec "$0" "$@"`}
				return nil
			},
			Inject: descriptorsGone,
		},
	}
}

// killUnderCalls kills the server again and again while a client makes things; everything acknowledged must be there at the end (I11).
func killUnderCalls(ctx context.Context, s *Scene) error {
	var mu sync.Mutex
	var acked []string
	calling, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	once, err := s.Once(ctx) // an unanswered call counts as not acknowledged
	if err != nil {
		stop()
		return err
	}
	wg.Go(func() {
		for i := 0; calling.Err() == nil; i++ {
			name := fmt.Sprintf("Skill %d", i)
			if _, err := once.CreateSkill(calling, name); err == nil {
				mu.Lock()
				acked = append(acked, name)
				mu.Unlock()
			}
			_ = pause(calling, 2*time.Millisecond)
		}
	})
	for range s.Times(4, 20) {
		if err = pause(ctx, 100*time.Millisecond+time.Duration(s.Random.IntN(200))*time.Millisecond); err != nil {
			break
		}
		if err = s.Signal(syscall.SIGKILL); err != nil {
			break
		}
		if err = s.Start(ctx); err != nil {
			break
		}
	}
	stop()
	wg.Wait()
	if err != nil {
		return err
	}
	skills, err := s.API.Skills(ctx)
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for _, k := range skills {
		have[k.Name] = true
	}
	for _, name := range acked {
		if !have[name] {
			return fmt.Errorf("I11: %q was acknowledged and is gone", name)
		}
	}
	s.Note("%d calls acknowledged, all there", len(acked))
	if len(acked) == 0 {
		return fmt.Errorf("no call was acknowledged: this proves nothing")
	}
	return nil
}

// terminateUnderLoad stops the server the friendly way while messages are under way: it ends in time, leaves no marker, and a client
// that tries each call once more sees no failure.
func terminateUnderLoad(ctx context.Context, s *Scene) error {
	calling, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, 1)
	calls := 0
	var wg sync.WaitGroup
	wg.Go(func() {
		for calling.Err() == nil {
			_, err := s.API.Skills(calling)
			if err != nil && calling.Err() == nil {
				_ = pause(calling, 3*time.Second) // one retry, when the server is back
				_, err = s.API.Skills(calling)
			}
			if err != nil && calling.Err() == nil {
				select {
				case failed <- err:
				default:
				}
				return
			}
			calls++
			_ = pause(calling, 5*time.Millisecond)
		}
	})
	longest := time.Duration(0)
	for range s.Times(3, 25) {
		if err := pause(ctx, 150*time.Millisecond+time.Duration(s.Random.IntN(200))*time.Millisecond); err != nil {
			return err
		}
		at := time.Now()
		if err := s.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		took := time.Since(at)
		if longest = max(longest, took); took > 30*time.Second {
			return fmt.Errorf("stopping took %v", took)
		}
		if err := s.noDoubts(ctx); err != nil {
			return err
		}
		if err := s.Start(ctx); err != nil {
			return err
		}
	}
	stop()
	wg.Wait()
	s.Note("longest stop %v, %d calls", longest.Round(time.Millisecond), calls)
	select {
	case err := <-failed:
		return fmt.Errorf("a call failed although it was tried twice: %w", err)
	default:
		return nil
	}
}

// noDoubts checks that a stopped server left nothing in doubt.
func (s *Scene) noDoubts(ctx context.Context) error {
	book, err := s.Store(ctx)
	if err != nil {
		return err
	}
	defer book.Close()
	markers, err := book.OpenMarkerStates(ctx)
	if err != nil {
		return err
	}
	if markers["attempting"] > 0 || markers["unknown"] > 0 {
		return fmt.Errorf("a friendly stop left markers: %v", markers)
	}
	return nil
}

// freeze stops a node as a paused machine does, and lets it go on.
func (s *Scene) freeze(ctx context.Context, node int, d time.Duration) error {
	if err := s.busy(ctx); err != nil {
		return err
	}
	if err := s.Tell(node, freezeSignal); err != nil {
		return err
	}
	err := pause(ctx, d)
	if told := s.Tell(node, thawSignal); told != nil {
		return told
	}
	return err
}

// busy waits until requests are under way.
func (s *Scene) busy(ctx context.Context) error {
	return Until(ctx, "requests are under way", 10*time.Second, func() (bool, error) {
		sum, err := s.Lab.Summary(ctx)
		return err == nil && sum.Pending.Requests > 0, err
	})
}

// slowCallers open connections and never finish a request; ordinary calls must not notice.
func slowCallers(ctx context.Context, s *Scene) error {
	address := strings.TrimPrefix(s.URL(), "http://")
	for i := range 300 {
		c, err := net.DialTimeout("tcp", address, 5*time.Second) //nolint:noctx // bounded
		if err != nil {
			return fmt.Errorf("slow caller %d: %w", i, err)
		}
		defer c.Close()
		_, _ = c.Write([]byte("GET /v1/me HTTP/1.1\r\nHost: x\r\nX-Slow: ")) // and no more
	}
	worst := time.Duration(0)
	for range 100 {
		at := time.Now()
		if _, err := s.API.Skills(ctx); err != nil {
			return err
		}
		worst = max(worst, time.Since(at))
	}
	s.Note("slowest ordinary call %v", worst.Round(time.Millisecond))
	if worst > 2*time.Second {
		return fmt.Errorf("an ordinary call took %v beside slow ones", worst)
	}
	return nil
}

// descriptorsGone uses up the server's descriptors from outside for a while; it must live on and recover.
func descriptorsGone(ctx context.Context, s *Scene) error {
	address := strings.TrimPrefix(s.URL(), "http://")
	var conns []net.Conn
	for range 120 {
		c, err := net.DialTimeout("tcp", address, time.Second) //nolint:noctx // bounded
		if err != nil {
			break
		}
		conns = append(conns, c)
	}
	err := pause(ctx, 3*time.Second)
	for _, c := range conns {
		abort(c)
	}
	if err != nil {
		return err
	}
	s.Note("%d connections held for 3 s at a limit of 80 descriptors", len(conns))
	return Until(ctx, "ready again", 10*time.Second, func() (bool, error) { err := s.Ready(ctx, 0); return err == nil, err })
}
