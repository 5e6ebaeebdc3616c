package dispatch

import (
	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// loneTries is how often something that the database refuses is tried alone before it is given up.
const loneTries = 3

// isolate writes the work of one sender, which the database refused as a whole for a reason that is not its health, in halves, until what it
// refuses stands alone and is given up; everything else is written at once. Nothing is lost by giving up a settlement: its marker stays and
// is looked up. It returns false when the database failed in the middle; what is left then waits for the next round.
func (c *committer) isolate(p *pendingWork, err error) (healthy bool) {
	c.isolateMarks(p)
	rest := &pendingWork{work: p.work, waiters: p.waiters}
	rest.work.Marks = nil
	rest.work.Settlements = halve(p.work.Settlements, func(xs []overture.Settlement) error { return c.writeOnly(p, xs, nil) }, func(x overture.Settlement, err error) {
		c.log.Error("giving up on a settlement that the database refuses; its marker will be looked up", "sender_id", p.work.Lease.SenderID.String(),
			"message_id", x.MessageID.String(), "attempt", x.Attempt, "outcome", x.Outcome, "error", err)
	})
	rest.work.Moves = halve(p.work.Moves, func(xs []overture.Move) error { return c.writeOnly(p, nil, xs) }, func(x overture.Move, err error) {
		c.log.Error("giving up on a move that the database refuses; the message stays where it is", "sender_id", p.work.Lease.SenderID.String(),
			"message_id", x.MessageID.String(), "error", err)
	})
	if len(rest.work.Settlements)+len(rest.work.Moves) > 0 {
		c.failed(rest, err)
		return false
	}
	rest.letGo()
	return true
}

// isolateMarks answers the marks. One that the database refuses is not sent; the Machine leaves it alone for a while.
func (c *committer) isolateMarks(p *pendingWork) {
	for _, a := range p.answers {
		marks := p.work.Marks[:a.n]
		p.work.Marks = p.work.Marks[a.n:]
		began, verdicts := c.now(), make([]overture.Verdict, 0, a.n)
		var failed error
		left := halve(marks, func(xs []overture.Mark) error {
			part := &pendingWork{work: p.work}
			part.work.Marks, part.work.Settlements, part.work.Moves = xs, nil, nil
			part.answers = []markAnswer{{n: len(xs), fn: func(vs []overture.Verdict, _ core.Moment, _ error) { verdicts = append(verdicts, vs...) }}}
			failed = c.write([]*pendingWork{part})
			return failed
		}, func(x overture.Mark, err error) {
			c.log.Error("a mark that the database refuses; the message is not sent", "sender_id", p.work.Lease.SenderID.String(),
				"message_id", x.MessageID.String(), "attempt", x.Attempt, "error", err)
			verdicts = append(verdicts, overture.NotStored)
		})
		if len(left) > 0 {
			a.fn(nil, core.Moment{}, failed) // those that are durable are looked up after the grace period
			continue
		}
		a.fn(verdicts, began, nil)
	}
	p.answers = nil
}

// writeOnly writes part of a sender's work.
func (c *committer) writeOnly(p *pendingWork, settlements []overture.Settlement, moves []overture.Move) error {
	part := &pendingWork{work: p.work}
	part.work.Marks, part.work.Settlements, part.work.Moves = nil, settlements, moves
	return c.write([]*pendingWork{part})
}

// halve writes xs, and when they are refused, each half, down to one, which refused takes. It returns what could not be written because the
// database failed.
func halve[T any](xs []T, write func([]T) error, refused func(T, error)) (left []T) {
	if len(xs) == 0 {
		return nil
	}
	err := write(xs)
	for n := 1; err != nil && len(xs) == 1 && n < loneTries && !unhealthy(err); n++ {
		err = write(xs)
	}
	switch {
	case err == nil:
		return nil
	case unhealthy(err):
		return xs
	case len(xs) == 1:
		refused(xs[0], err)
		return nil
	}
	half := len(xs) / 2
	if left = halve(xs[:half], write, refused); len(left) > 0 {
		return append(left, xs[half:]...)
	}
	return halve(xs[half:], write, refused)
}

// unhealthy tells whether an error is about the database's health and not about what it was given.
func unhealthy(err error) bool { return overture.KindOf(err) == overture.Unavailable }
