package dispatch

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/overture-im/overture"
)

// markBatch bounds one request for marks, so that SQLite's only writer is never held for long.
const markBatch = 100

// markMore takes as many ready messages as window, rate and breaker allow, and asks for their marks. It returns how long there is nothing
// to do.
func (r *runner) markMore(now time.Time) time.Duration {
	if r.bucket == nil || !r.tenure.valid(now) {
		return lanesEvery
	}
	if wait := r.throttled.Sub(now); wait > 0 {
		r.say(fmt.Sprintf("the provider asked to slow down; next try in %s", wait.Round(time.Second)))
		return wait
	}
	if r.doubts > r.e.cfg.MaxDoubts {
		r.say(fmt.Sprintf("%d messages are in doubt and being looked up; new ones wait", r.doubts))
		return time.Second
	}
	var tasks []task
	var moves []overture.Move
	wait := lanesEvery
	turns := r.turns()
	for len(tasks) < markBatch && r.outstanding+len(tasks) < r.window() {
		s := next(turns)
		if s == nil {
			break
		}
		m := s.ready[0]
		if move, ok := check(now, s.lane, m, r.e.Windows); !ok {
			moves = append(moves, move)
			r.drop(s)
			continue
		}
		segments := max(m.Segments, 1)
		if w, ok := r.bucket.ready(segments, now); !ok {
			wait = min(wait, w)
			break
		}
		if w, ok := s.bucket.ready(segments, now); !ok {
			wait = min(wait, w)
			turns = without(turns, s)
			continue
		}
		if w, ok := r.breaker.allow(now); !ok {
			r.say("the provider does not answer; one message is tried every few seconds")
			wait = min(wait, w)
			break
		}
		r.bucket.take(segments)
		s.bucket.take(segments)
		s.ready = s.ready[1:]
		s.served += 1 / float64(max(s.lane.Weight, 1))
		tasks = append(tasks, task{lane: s.lane, msg: m, attempt: m.Attempts + 1, token: newToken()})
	}
	if !r.breaker.open() {
		r.say("")
	}
	if len(moves) > 0 {
		r.e.committer.move(r.head(), moves)
	}
	r.ask(tasks, now)
	return wait
}

// turns lists the lanes with something ready: the reply lane first, then the one served least.
func (r *runner) turns() []*stream {
	var out []*stream
	for _, s := range r.streams {
		if len(s.ready) > 0 {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *stream) int { return int(a.lane.ID - b.lane.ID) })
	return out
}

func next(turns []*stream) *stream {
	var best *stream
	for _, s := range turns {
		if len(s.ready) == 0 {
			continue
		}
		if s.lane.Reply() {
			return s
		}
		if best == nil || s.served < best.served {
			best = s
		}
	}
	return best
}

func without(turns []*stream, s *stream) []*stream {
	return slices.DeleteFunc(slices.Clone(turns), func(x *stream) bool { return x == s })
}

func (r *runner) drop(s *stream) {
	delete(r.pending, s.ready[0].MessageID)
	s.ready = s.ready[1:]
}

// ask hands a batch to the committer. The answer comes back as a markedBatch.
func (r *runner) ask(tasks []task, now time.Time) {
	if len(tasks) == 0 {
		return
	}
	marks := make([]overture.Mark, len(tasks))
	for i, t := range tasks {
		marks[i] = overture.Mark{Place: t.msg.Place, Attempt: t.attempt, Token: t.token, Address: t.msg.Address, LookupAt: now.Add(r.e.cfg.Grace)}
		if !t.lane.Reply() {
			marks[i].SkipTalks = t.lane.OpenConversation == overture.OpenConversationSkip
			marks[i].HoldTalks = t.lane.OpenConversation == overture.OpenConversationHold
		}
	}
	r.outstanding += len(tasks)
	r.e.committer.mark(r.head(), marks, func(verdicts []overture.Verdict, at time.Time, err error) {
		r.verdict <- markedBatch{tasks: tasks, verdicts: verdicts, at: at, err: err}
	})
}

// heldTalkPause is how long a message waits when its person is in a conversation and the campaign says hold.
const heldTalkPause = 10 * time.Minute

// tookVerdicts sends what was marked, and forgets the rest.
func (r *runner) tookVerdicts(hold context.Context, b markedBatch, workers *sync.WaitGroup) {
	if b.err != nil {
		for _, t := range b.tasks {
			r.forget(t)
		}
		r.throttled = time.Now().Add(500 * time.Millisecond) // the database is in trouble: nothing can be marked
		return
	}
	var moves []overture.Move
	for i, t := range b.tasks {
		switch b.verdicts[i] {
		case overture.Marked:
			t.marked = b.at
			r.hire(hold, workers)
			r.tasks <- t
			continue
		case overture.LeaseLost:
			r.tenure.lost.Store(true)
		case overture.LaneClosed:
			r.lanesAt = time.Time{}
		case overture.Gone, overture.OptedOut:
		case overture.InTalk:
			if t.lane.OpenConversation == overture.OpenConversationHold {
				moves = append(moves, overture.Move{Place: t.msg.Place, State: overture.Queued, NewDue: b.at.Add(heldTalkPause), NotAfter: t.msg.NotAfter})
			}
		}
		r.forget(t)
	}
	if len(moves) > 0 {
		r.e.committer.move(r.head(), moves)
	}
}

// forget ends a mark that came to nothing.
func (r *runner) forget(t task) {
	r.outstanding--
	delete(r.pending, t.msg.MessageID)
	r.bucket.refund(max(t.msg.Segments, 1))
	if s := r.streams[t.lane.ID]; s != nil {
		s.bucket.refund(max(t.msg.Segments, 1))
	}
	r.breaker.probing = false
}

// hire starts another worker while there are fewer than connections.
func (r *runner) hire(hold context.Context, workers *sync.WaitGroup) {
	if r.workers >= r.e.cfg.Connections || r.workers >= r.outstanding {
		return
	}
	r.workers++
	workers.Go(func() {
		for t := range r.tasks {
			s, asked := r.attempt(hold, t)
			r.e.committer.settle(r.head(), s)
			r.ended <- ending{id: t.msg.MessageID, class: s.Outcome, retryAfter: asked, reason: s.Reason, code: s.Code}
		}
	})
}

func (r *runner) tookEnding(x ending, now time.Time) {
	r.outstanding--
	delete(r.pending, x.id)
	switch x.class {
	case "accepted":
		r.breaker.success()
		r.refusals = 0
	case string(overture.Throttled):
		r.breaker.success()
		if now.After(r.throttled) {
			r.bucket.slow()
		}
		if until := now.Add(r.throttlePause(x.retryAfter)); until.After(r.throttled) {
			r.throttled = until
		}
	case string(overture.Refused):
		r.breaker.success()
		if x.reason == overture.ReasonSenderRefused {
			r.stopSender(x.code)
		}
	case string(overture.NotSent), "unknown":
		r.breaker.failure(now)
	default: // given back
		r.breaker.probing = false
	}
}

// throttlePause is how long the sender marks nothing after a 429: what the provider asked for, at most a minute; or, when it did not say,
// 100, 200, 400 … ms, at most 30 s, until something is accepted again.
func (r *runner) throttlePause(asked time.Duration) time.Duration {
	r.refusals++
	if asked > 0 {
		return min(asked, time.Minute)
	}
	return min(100*time.Millisecond<<min(r.refusals-1, 10), 30*time.Second)
}

func (r *runner) stopSender(code int) {
	reason := fmt.Sprintf("the provider rejects this sender (code %d); correct its settings and start it again", code)
	if r.stopped {
		return
	}
	r.stopped = true
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := r.e.Store.StopSender(ctx, r.id, reason); err != nil {
		r.e.Log.Error("stopping a sender", "sender_id", r.id.String(), "error", err)
		r.stopped = false
		return
	}
	r.e.Log.Warn("sender stopped", "sender_id", r.id.String(), "code", code)
}

func (r *runner) say(words string) {
	r.mu.Lock()
	r.words = words
	r.mu.Unlock()
}

func (r *runner) status() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.words
}
