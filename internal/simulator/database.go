package simulator

import (
	"time"
)

// database puts the faults of a real one between the nodes and the book: transactions that are lost, applied without an answer, in conflict,
// slow; a full disk; connections that break; reads that lag.
type database struct {
	w      *world
	book   *book
	faults map[int]string // by number of the transaction
	tried  int            // transactions asked for
	full   time.Duration  // writes fail until
	away   time.Duration  // everything fails until
	lag    time.Duration  // reads are old until
	slow   time.Duration
	cuts   int // connections broken so far: what was under way has no answer
	kept   *keptBook
}

func newDatabase(w *world) *database {
	d := &database{w: w, faults: map[int]string{}}
	d.book = newBook(func() int64 { return w.millis() })
	d.full, d.away, d.lag, d.slow = -1, -1, -1, -1
	for _, e := range w.sc.Events {
		if e.Kind == evCommit {
			d.faults[e.N] = e.How
		}
	}
	return d
}

// begin starts one of the events that last.
func (d *database) begin(e Event) {
	until := d.w.now + time.Duration(e.For)*time.Millisecond
	switch e.How {
	case "full":
		d.full = until
	case "away":
		d.away = max(d.away, until)
		d.cuts++
	case "restore", "failover async":
		d.goBack(e, until)
	case "failover": // the standby has every commit; connections break, and nothing answers until it is promoted
		d.away = max(d.away, until)
		d.cuts++
	case "lag":
		d.lag = until
	case "slow":
		d.slow = until
	}
}

func (d *database) latency() time.Duration {
	if d.slow >= d.w.now {
		return d.w.between(100*time.Millisecond, 4*time.Second)
	}
	return d.w.between(200*time.Microsecond, 3*time.Millisecond)
}

// patience is how long a caller waits for an answer.
const patience = 10 * time.Second

// write runs a transaction for a node: tx in a moment, and then, when the node still lives, answered(ok). ok false says that nobody knows
// whether it was written.
func (d *database) write(n *node, tx func(), answered func(ok bool)) {
	d.tried++
	fault := d.faults[d.tried]
	there, back := d.latency(), d.latency()
	if fault == "slow" {
		there, back = d.w.between(0, 7*time.Second), d.w.between(0, 7*time.Second)
	}
	began, cuts, life := d.w.now, d.cuts, n.life // an answer finds the process that asked, or nobody
	d.w.after(there, func() {
		ok := false
		switch {
		case d.away >= d.w.now, d.full >= d.w.now, fault == "lost", fault == "conflict", d.cuts != cuts, d.w.now-began > patience:
		case fault == "unanswered": // applied; the connection breaks before the answer
			d.book.unanswered = true
			tx()
			d.book.unanswered = false
			d.applied()
		default:
			tx()
			d.applied()
			ok = true
		}
		d.w.note('w', int64(d.tried), int64(d.book.commits))
		cuts := d.cuts
		d.w.after(back, func() {
			n.step(life, func() { answered(ok && d.cuts == cuts && d.w.now-began <= patience) })
		})
	})
}

// applied looks whether this was the last thing to do.
func (d *database) applied() {
	d.w.oracle.look()
}

// read runs a query for a node. Usually the answer is there at once, which costs the simulation nothing; while reads lag it comes late and
// is as old as it took.
func (d *database) read(n *node, query func() (answer func(failed bool))) {
	switch now := d.w.now; {
	case d.away >= now:
		d.w.after(0, func() { n.after(time.Second, func() { query()(true) }) })
	case d.lag >= now:
		answer := query()
		n.after(d.w.between(0, 2*time.Second), func() { answer(false) })
	case d.w.random.IntN(8) == 0:
		answer := query()
		n.after(d.latency(), func() { answer(false) })
	default:
		query()(false)
	}
}

// byPerson does what a person asks for through some node; when the database is away the person tries again.
func (d *database) byPerson(f func()) {
	if d.away >= d.w.now || d.full >= d.w.now {
		d.w.after(time.Second, func() { d.byPerson(f) })
		return
	}
	f()
	d.applied()
	for _, n := range d.w.nodes {
		n.wake()
	}
}

// ms are milliseconds.
func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
