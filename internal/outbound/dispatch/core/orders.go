package core

import (
	"time"

	"github.com/overture-im/overture"
)

// Orders are what the Machine wants done, in the order of the fields. Slices are the Machine's and are used again: whoever keeps one copies
// it, except Marks, which may be kept.
type Orders struct {
	Settlements []overture.Settlement // record the ends of attempts, under the lease; they must never be dropped while the process lives
	Moves       []overture.Move       // change places of queued messages, under the lease
	Marks       []Task                // ask for these marks in one transaction; answer with TookVerdicts
	Sends       []Task                // hand to the provider, answers first, each only while MaySend; answer each with TookEnding

	Adopt      bool       // take over the markers of earlier epochs; answer with Adopted
	Renew      bool       // ask for the lease again, beside everything else; answer with Renewed
	ReadLanes  bool       // answer with TookLanes
	Count      bool       // count the sender's markers; answer with TookCount
	Pages      []PageRead // answer each with TookPage
	ReadDoubts int        // read up to so many doubts that are due; answer with TookDoubts; 0: none
	Lookups    []Lookup   // ask the provider's record; answer each with TookRecord
	StopSender string     // stop the sender with this reason; answer with TookStop; empty: no

	Done    bool // the tenure is over and nothing is outstanding: write what is left, then forget the Machine
	Release bool // with Done: give the lease back when all is written

	WakeIn time.Duration // call Tick again after this, or sooner when something happened
}

func (o *Orders) reset() {
	*o = Orders{
		Settlements: o.Settlements[:0], Moves: o.Moves[:0], Sends: o.Sends[:0], Pages: o.Pages[:0], Lookups: o.Lookups[:0],
	}
}

// PageRead asks for queued messages of a lane that are due, after a place in its order.
type PageRead struct {
	Lane  overture.LaneID
	After overture.Place
	Limit int
}

// Page is one finished read.
type Page struct {
	Lane    overture.LaneID
	Due     []overture.DueMessage
	Last    overture.Place
	More    bool      // there may be rows after Last
	NextDue time.Time // when nothing was due: the earliest due time in the lane; zero for an empty lane
	Failed  bool
}

// LanesRead are the open lanes of the sender, and what its row says.
type LanesRead struct {
	Lanes   []overture.Lane
	Rate    int // segments per second of the sender; 0: no limit
	Stopped bool
	Failed  bool
}

// Task is a message on its way to the provider.
type Task struct {
	Lane    *overture.Lane
	Message overture.DueMessage
	Attempt int
	Token   string
	Marked  Moment // before the commit of its mark began
}

// Lookup is one question to the provider's record.
type Lookup struct {
	Doubt     overture.Doubt
	Lane      *overture.Lane // nil when the lane is not known any more
	NotBefore time.Duration  // on the monotonic clock: what the record said earlier proves nothing (R7)
	Together  bool           // one of many: one reading of the sender's whole record may answer all of them
}

// Record is what a lookup came to.
type Record struct {
	Wanted string // the text that the attempt sent
	Found  []overture.FoundSend
	Known  map[string]bool // provider ids that belong to other messages
	Failed bool            // the record, our rows or the text could not be had
	Rest   time.Duration   // how long the provider asked to be left alone; 0: it did not
}

// Result is what a task came to. The zero Result says that it was not handed to the provider.
type Result struct {
	Tried      bool // it was handed to the provider
	Unsendable bool // it has no text, or its sender no provider: it can never be sent
	Accepted   overture.AcceptedSend
	Error      *overture.SendError // nil when accepted
}
