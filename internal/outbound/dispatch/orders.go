package dispatch

import (
	"context"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// carryOut does what the Machine ordered, in the order of its fields, and waits for nothing. reading ends with the loop, hold when everything
// is settled, ctx when the engine stops: a lookup that is cut off then says nothing, and must not count as one that failed.
func (r *runner) carryOut(ctx, reading, hold context.Context, o *core.Orders) {
	if len(o.Settlements) > 0 {
		r.e.results.settle(r.head(), o.Settlements...)
	}
	if len(o.Moves) > 0 {
		r.e.marks.move(r.head(), o.Moves)
	}
	r.ask(o.Marks)
	for i := range o.Sends {
		r.send(hold, &o.Sends[i])
	}
	if o.Adopt {
		r.helpers.Go(func() { r.adopt(reading) })
	}
	if o.Renew {
		r.helpers.Go(func() { r.renew(hold) })
	}
	if o.ReadLanes {
		r.helpers.Go(func() { r.readLanes(reading) })
	}
	if o.Count {
		r.helpers.Go(func() { r.count(reading) })
	}
	for _, p := range o.Pages {
		r.helpers.Go(func() { r.readPage(reading, p) })
	}
	if limit := o.ReadDoubts; limit > 0 {
		r.helpers.Go(func() { r.readDoubts(reading, limit) })
	}
	for _, l := range o.Lookups {
		r.helpers.Go(func() { r.lookUp(ctx, l) })
	}
	if reason := o.StopSender; reason != "" {
		r.helpers.Go(func() { r.stopSender(hold, reason) })
	}
}

// markedBatch is the answer to the marks of a batch.
type markedBatch struct {
	tasks    []core.Task
	verdicts []overture.Verdict
	began    core.Moment
	err      error
}

// ask hands a batch of marks to the committer. The answer comes back as a markedBatch.
func (r *runner) ask(tasks []core.Task) {
	if len(tasks) == 0 {
		return
	}
	now := r.e.now()
	marks := make([]overture.Mark, len(tasks))
	for i := range tasks {
		marks[i] = r.machine.Mark(&tasks[i], now)
	}
	r.e.marks.mark(r.head(), marks, func(verdicts []overture.Verdict, began core.Moment, err error) {
		r.verdicts <- markedBatch{tasks: tasks, verdicts: verdicts, began: began, err: err}
	})
}

// send gives a task to the workers, and hires another one while there are fewer than connections.
func (r *runner) send(hold context.Context, t *core.Task) {
	if r.hired < r.e.cfg.Connections {
		r.hired++
		r.workers.Go(func() { r.work(hold) })
	}
	if t.Lane.Reply() {
		r.answers <- *t
		return
	}
	r.tasks <- *t
}

// stopSender stops the sender, whose credentials or number the provider rejects.
func (r *runner) stopSender(ctx context.Context, reason string) {
	ctx, cancel := soon(ctx)
	defer cancel()
	err := r.e.Store.StopSender(ctx, r.id, reason)
	if err != nil {
		r.e.Log.ErrorContext(ctx, "stopping a sender", "sender_id", r.id.String(), "error", err)
	} else {
		r.e.Log.WarnContext(ctx, "sender stopped", "sender_id", r.id.String(), "reason", reason)
	}
	r.tell(func(core.Moment) { r.machine.TookStop(err != nil) })
}
