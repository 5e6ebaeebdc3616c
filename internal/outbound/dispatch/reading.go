package dispatch

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch/core"
)

// reading is a provider's whole record of one sender since a moment, read once to answer the lookups of many doubts. Kept are 80 bytes of
// each message, so a million are 80 MB; the text is its digest.
type reading struct {
	began time.Duration // on the monotonic clock, before the first page was asked for
	since time.Time
	done  chan struct{} // closed when it is read
	err   error
	sends []listed // by key
	used  time.Duration
}

type listed struct {
	key     [16]byte // of address and text
	id      string
	created int64 // Unix ms
	state   overture.State
	code    int32
}

func listedKey(to overture.Address, body string) (key [16]byte) {
	h := sha256.New()
	h.Write([]byte(to))
	h.Write([]byte{0})
	h.Write([]byte(body))
	return [16]byte(h.Sum(key[:0])[:16])
}

// longestReading bounds a reading. A longer record is asked about message by message.
const longestReading = 1_000_000

var errReadingTooLong = errors.New("the provider's record is too long to be read as a whole")

// readingKept is how long a reading is kept that nobody asks for any more.
const readingKept = 30 * time.Second

// readings gives the lookups of a sender one reading as long as it proves something about them.
type readings struct {
	mu     sync.Mutex
	last   *reading
	failed int           // in a row
	alone  time.Duration // until then each message is asked about alone
}

// listedSince finds what the record says about one doubt. ok is false when the record has to be asked about this message alone.
func (r *runner) listedSince(ctx context.Context, sender overture.Sender, p Provider, l *core.Lookup, wanted string) (found []overture.FoundSend, ok bool, err error) {
	read := r.readingFor(ctx, sender, p, l)
	if read == nil {
		return nil, false, nil
	}
	select {
	case <-read.done:
	case <-ctx.Done():
		return nil, true, ctx.Err()
	}
	switch {
	case errors.Is(read.err, errReadingTooLong):
		return nil, false, nil
	case read.err != nil:
		return nil, true, read.err
	}
	return read.find(l.Doubt.Address, wanted), true, nil
}

// sharedWithin is how much further back a reading reaches than the doubt that asked for it: doubts of a killed process come in any order, and
// without it each that is older by a millisecond would have the whole record read again, beside the others.
const sharedWithin = 10 * time.Minute

// readingFor gives a reading that began when the doubt might be looked up and reaches back far enough; when there is none, it begins one.
func (r *runner) readingFor(ctx context.Context, sender overture.Sender, p Provider, l *core.Lookup) *reading {
	r.readings.mu.Lock()
	defer r.readings.mu.Unlock()
	now := r.e.now().Mono
	if now < r.readings.alone {
		return nil
	}
	since := l.Doubt.Since.Add(-core.RecordMargin)
	if last := r.readings.last; last != nil && last.began >= l.NotBefore && !since.Before(last.since) && !last.failed() {
		last.used = now
		return last
	}
	read := &reading{began: now, used: now, since: since.Add(-sharedWithin), done: make(chan struct{})}
	r.readings.last = read
	r.helpers.Go(func() {
		read.err = read.all(ctx, sender, p)
		r.readings.ended(read.err, r.e.now().Mono)
		close(read.done)
	})
	return read
}

// ended learns from a reading. A record that is too long, or that fails as a whole again and again, may still answer small questions.
func (rs *readings) ended(err error, now time.Duration) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if err == nil {
		rs.failed = 0
		return
	}
	if rs.failed++; rs.failed >= 3 || errors.Is(err, errReadingTooLong) {
		rs.failed, rs.alone = 0, now+10*time.Minute
	}
}

// dropReading frees a reading that nobody has asked for a while.
func (r *runner) dropReading(now time.Duration) {
	r.readings.mu.Lock()
	defer r.readings.mu.Unlock()
	if last := r.readings.last; last != nil && now-last.used > readingKept {
		select {
		case <-last.done:
			r.readings.last = nil
		default:
		}
	}
}

// failed tells whether it ended without saying anything.
func (read *reading) failed() bool {
	select {
	case <-read.done:
		return read.err != nil
	default:
		return false
	}
}

func (read *reading) all(ctx context.Context, sender overture.Sender, p Provider) error {
	tidyAt := 8192
	err := p.List(ctx, sender, read.since, func(s overture.ListedSend) error {
		read.sends = append(read.sends, listed{key: listedKey(s.To, s.Body), id: s.ProviderID, created: s.CreatedAt.UnixMilli(), state: s.State, code: int32(s.Code)}) //nolint:gosec // five digits
		if len(read.sends) < tidyAt {
			return nil
		}
		read.tidy()
		if len(read.sends) > longestReading {
			return errReadingTooLong
		}
		tidyAt = 2 * len(read.sends)
		return nil
	})
	if read.tidy(); err == nil && len(read.sends) > longestReading {
		err = errReadingTooLong
	}
	if err != nil {
		read.sends = nil
	}
	return err
}

// tidy sorts, and leaves out what the record gave twice.
func (read *reading) tidy() {
	slices.SortFunc(read.sends, func(a, b listed) int { return cmp.Or(bytes.Compare(a.key[:], b.key[:]), strings.Compare(a.id, b.id)) })
	read.sends = slices.CompactFunc(read.sends, func(a, b listed) bool { return a.key == b.key && a.id == b.id })
}

// find gives the messages to a person with this text, and those whose text the record does not show.
func (read *reading) find(to overture.Address, body string) []overture.FoundSend {
	return append(read.exactly(to, body), read.exactly(to, "")...)
}

func (read *reading) exactly(to overture.Address, body string) (found []overture.FoundSend) {
	key := listedKey(to, body)
	at, _ := slices.BinarySearchFunc(read.sends, key, func(s listed, key [16]byte) int { return bytes.Compare(s.key[:], key[:]) })
	for ; at < len(read.sends) && read.sends[at].key == key; at++ {
		s := &read.sends[at]
		found = append(found, overture.FoundSend{ProviderID: s.id, Body: body, State: s.state, Code: int(s.code), CreatedAt: time.UnixMilli(s.created)})
	}
	return found
}
