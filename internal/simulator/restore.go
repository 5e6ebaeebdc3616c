package simulator

import (
	"time"
)

// keptBook is the database as it was at a moment, with how much had been answered with 200 by then.
type keptBook struct {
	book              *book
	at                int64
	receipts, inbound int
}

// keep makes a backup, or notes what a standby has heard of.
func (d *database) keep() {
	o := d.w.oracle
	d.kept = &keptBook{book: d.book.copied(), at: d.w.millis(), receipts: len(o.receipts), inbound: len(o.inbound)}
}

// heartbeat is how long before the moment that is kept a quarantine by a changed server assumes that everything was known.
const heartbeat = 70 * time.Second

// goBack makes the database older than the world: a backup is restored while no node runs, or an asynchronous standby takes over under running
// ones. Both begin a quarantine before anything else.
func (d *database) goBack(e Event, until time.Duration) {
	if d.kept == nil {
		return
	}
	w, kept := d.w, d.kept
	d.cuts++
	d.away = max(d.away, until)
	d.book.goBack(kept.book)
	w.oracle.wentBack(kept)
	since := kept.at - heartbeat.Milliseconds()
	if e.How == "restore" {
		since = kept.at
		for _, n := range w.nodes {
			n.crash(ms(e.For) + w.between(0, time.Second))
		}
	}
	first := w.nodes[w.random.IntN(len(w.nodes))]
	w.after(d.away-w.now, func() {
		w.say("%s a quarantine begins", w.stamp())
		d.book.BeginQuarantine(since, first.wall().UnixMilli())
		w.after(20*time.Second, w.release)
	})
}

// release is a person who looks whether the quarantine is clear.
func (w *world) release() {
	w.db.byPerson(func() {
		if w.db.book.inQuarantine() && !w.db.book.ReleaseQuarantine(false) {
			w.after(20*time.Second, w.release)
		}
	})
}
