package lab

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Options of a lab. The zero value is a lab without faults that keeps everything in memory.
type Options struct {
	Seed   uint64       // same seed and same order of requests: same faults, same phones
	Logger *slog.Logger // nil: silent
	Open   bool         // any account and token, and any From, are taken as they come; webhooks are signed with the token seen first

	// KeepBodies is how many distinct texts stay in memory; identical texts count once. 0: 100,000; negative: all. Texts of older messages
	// are read back from LedgerPath; without it they are shown empty, as redacted ones are at Twilio, and only their hash remains.
	KeepBodies int

	// LedgerPath is a file that makes the lab survive its own death: messages are written before they are answered. A lab that finds one
	// goes on where the last one stopped, with its accounts, numbers, profiles, scripts and opt-outs. Empty: memory only.
	LedgerPath string

	Callers      int               // webhook calls at the same time; 0: 64
	InboundTries int               // tries of an inbound webhook until it answers 2xx, up to 5 s apart; 0: 40
	Transport    http.RoundTripper // of webhook calls, for tests without sockets; nil: the network, loopback only
}

// Lab is a carrier. Handler serves it; Run moves its messages.
type Lab struct {
	seed         uint64
	open         bool
	inboundTries int
	callers      int
	logger       *slog.Logger
	client       *http.Client

	ledger *ledger
	phones *phones

	directoryMu sync.Mutex // one writer of the snapshots
	directory   atomic.Pointer[directory]
	profiles    atomic.Pointer[profiles]
	script      atomic.Pointer[script]
	playedMu    sync.Mutex
	played      map[playedKey]int // scripted faults already played

	agenda  *agenda
	queue   *queue
	pending [kindCount]atomic.Int64
	stopped chan struct{} // closed when Run ends: held requests give up

	draws     atomic.Uint64 // requests that asked for chance
	knownHook atomic.Pointer[string]
	forms     sync.Pool
	dates     dates
	count     counters
}

// New makes a lab. It fails only when LedgerPath cannot be read or written.
func New(o Options) (*Lab, error) {
	l := &Lab{
		seed: o.Seed, open: o.Open, inboundTries: or(o.InboundTries, 40), callers: or(o.Callers, 64),
		logger: cmp.Or(o.Logger, slog.New(slog.DiscardHandler)),
		ledger: newLedger(randomKey(), or(o.KeepBodies, 100_000)), phones: newPhones(),
		played: map[playedKey]int{}, agenda: newAgenda(), queue: newQueue(), stopped: make(chan struct{}),
	}
	transport := o.Transport
	if transport == nil {
		transport = loopbackTransport(l.callers)
	}
	l.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	l.directory.Store(emptyDirectory())
	l.profiles.Store(&profiles{})
	l.script.Store(&script{})
	if o.LedgerPath != "" {
		if err := l.recall(o.LedgerPath); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func randomKey() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint64(b[:])
}

// Handler serves Twilio's API under /2010-04-01/ and the control API under /lab/.
func (l *Lab) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2010-04-01/Accounts/{account}/Messages.json", l.list)
	mux.HandleFunc("GET /2010-04-01/Accounts/{account}/Messages/{message}", l.fetch)
	mux.HandleFunc("/2010-04-01/", func(w http.ResponseWriter, _ *http.Request) {
		l.refuse(w, refuse(20404, "The requested resource was not found"))
	})
	mux.Handle("/lab/", http.NewCrossOriginProtection().Handler(l.control()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A bench's every request is a create: it does not pass the mux.
		if path, ok := strings.CutPrefix(r.URL.Path, "/2010-04-01/Accounts/"); ok && r.Method == http.MethodPost {
			if account, ok := strings.CutSuffix(path, "/Messages.json"); ok {
				l.create(w, r, account)
				return
			}
		}
		mux.ServeHTTP(w, r)
	})
}

// Run moves messages, makes webhook calls and lets phones answer, until ctx ends. Call it once. Calls in flight are cut off.
func (l *Lab) Run(ctx context.Context) error {
	var work sync.WaitGroup
	for range l.callers {
		work.Go(func() { l.crew(ctx) })
	}
	l.agenda.run(ctx, l.handle)
	close(l.stopped)
	l.queue.close()
	work.Wait()
	l.client.CloseIdleConnections()
	return nil
}

// Close closes the ledger's file; a second time it does nothing. Call it after Run returned and the server that uses Handler is down.
func (l *Lab) Close() error {
	if err := l.ledger.journal.close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("close the ledger file: %w", err)
	}
	return nil
}

// sidOf gives the SID of a message, or of what a phone wrote with inboundBit.
func (l *Lab) sidOf(n uint32) string { return sid(l.ledger.key.Load(), n) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
