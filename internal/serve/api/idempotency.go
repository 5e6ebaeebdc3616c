package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

// idempotencyStore keeps which request was answered how. The store implements it.
type idempotencyStore interface {
	// BeginIdempotent claims the call, or gives the kept answer with again = true. The context it returns marks the claim as "took
	// effect" inside the first write transaction that uses it. Conflict: the call is in flight, or was cut off after it took effect.
	BeginIdempotent(ctx context.Context, call overture.IdempotentCall, now, leaseUntil time.Time) (_ context.Context, kept overture.IdempotentAnswer, again bool, err error)
	RenewIdempotent(ctx context.Context, call overture.IdempotentCall, leaseUntil time.Time) error
	FinishIdempotent(ctx context.Context, call overture.IdempotentCall, answer overture.IdempotentAnswer) error
	// DropIdempotent forgets a call that took no effect.
	DropIdempotent(ctx context.Context, call overture.IdempotentCall) error
	// ReleaseIdempotent forgets calls of dead processes that took no effect, and answers older than the given time.
	ReleaseIdempotent(ctx context.Context, now, olderThan time.Time) error
}

const (
	idempotencyHeader = "Idempotency-Key"
	idempotencyMax    = 255            // characters of a key
	idempotencyKept   = 24 * time.Hour // how long an answer is kept
	idempotencyLease  = 30 * time.Second
	maxKeptAnswer     = 1 << 20 // bytes; larger answers are not kept
)

func (r Route) idempotent() bool { return r.Method == http.MethodPost && r.Permission != access.Public }

// once carries a POST out at most once per key. N calls with one key have one effect; those that come later get the first answer.
func (a *API) once(rt Route, w http.ResponseWriter, r *http.Request, who access.Identity, next guarded) {
	call := overture.IdempotentCall{AccountID: who.AccountID, Route: rt.String(), Key: r.Header.Get(idempotencyHeader), Claim: newClaim()}
	if !goodKey(call.Key) {
		a.deny(w, r, &problem{
			Status: http.StatusUnprocessableEntity, Code: "idempotency_key",
			Detail: "an Idempotency-Key is 1 to 255 visible ASCII characters; use a random one per request",
		})
		return
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s\n%s\n", who.Actor(), r.URL.Path, r.URL.RawQuery)
	r.Body = &pacedBody{http.MaxBytesReader(w, r.Body, rt.maxBody), exchangeOf(r.Context())}
	var streamed *hashedBody
	if rt.stream {
		streamed = &hashedBody{ReadCloser: r.Body, sum: sum}
		r.Body = streamed
	} else {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			a.fail(w, r, bodyError(err))
			return
		}
		sum.Write(body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		call.BodyHash = hex.EncodeToString(sum.Sum(nil))
	}

	ctx, kept, again, err := a.deps.Idempotency.BeginIdempotent(r.Context(), call, time.Now(), time.Now().Add(idempotencyLease))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	if again {
		if streamed != nil {
			if _, err := io.Copy(io.Discard, streamed); err != nil {
				a.fail(w, r, bodyError(err))
				return
			}
			call.BodyHash = streamed.hash()
		}
		a.repeat(w, r, call, kept)
		return
	}
	a.carryOut(ctx, w, r, call, streamed, who, next)
}

func (a *API) carryOut(ctx context.Context, w http.ResponseWriter, r *http.Request, call overture.IdempotentCall, streamed *hashedBody, who access.Identity, next guarded) {
	stop := a.renew(ctx, call)
	out := &recording{ResponseWriter: w}
	ended := false // and not by a panic
	defer func() {
		stop()
		// The record must be settled although the caller has gone away.
		settle := context.WithoutCancel(r.Context())
		var err error
		if ended && out.keepable() {
			if streamed != nil {
				_, _ = io.Copy(io.Discard, streamed) // the hash covers what the handler left unread
				call.BodyHash = streamed.hash()
			}
			err = a.deps.Idempotency.FinishIdempotent(settle, call, overture.IdempotentAnswer{
				Status: out.status, ContentType: w.Header().Get("Content-Type"), Body: out.body.Bytes(), BodyHash: call.BodyHash,
			})
		} else {
			err = a.deps.Idempotency.DropIdempotent(settle, call)
		}
		if err != nil {
			x := exchangeOf(r.Context())
			x.err = errors.Join(x.err, fmt.Errorf("settle idempotency record: %w", err))
			a.deps.Log.WarnContext(settle, "idempotency record not settled", "request_id", x.requestID, "error", err.Error())
		}
		if ended {
			out.flush()
		}
	}()
	next(out, r.WithContext(ctx), who)
	ended = true
}

// renew keeps the claim alive while the request runs, however long an upload takes.
func (a *API) renew(ctx context.Context, call overture.IdempotentCall) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(idempotencyLease / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				// A claim that could not be renewed is lost to another process at worst; the commit then refuses to take effect.
				_ = a.deps.Idempotency.RenewIdempotent(ctx, call, now.Add(idempotencyLease))
			}
		}
	}()
	return func() { cancel(); <-done }
}

func (a *API) repeat(w http.ResponseWriter, r *http.Request, call overture.IdempotentCall, kept overture.IdempotentAnswer) {
	if kept.BodyHash != call.BodyHash {
		a.deny(w, r, &problem{
			Status: http.StatusUnprocessableEntity, Code: "idempotency_mismatch",
			Detail: "this Idempotency-Key was used with another request; use a new key for a new request",
		})
		return
	}
	if kept.ContentType != "" {
		w.Header().Set("Content-Type", kept.ContentType)
	}
	w.Header().Set("Idempotent-Replayed", "true")
	w.Header().Del("Content-Language") // the answer is in the language of the first request
	w.WriteHeader(kept.Status)
	_, _ = w.Write(kept.Body) // the client is gone; nothing to do
}

// Run forgets old answers, and claims of processes that died, until ctx ends. Call it once per process.
func (a *API) Run(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		now := time.Now()
		if err := a.deps.Idempotency.ReleaseIdempotent(ctx, now, now.Add(-idempotencyKept)); err != nil && ctx.Err() == nil {
			a.deps.Log.WarnContext(ctx, "old idempotency records not removed; trying again in ten minutes", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return bodyCutOff()
}

func goodKey(key string) bool {
	if len(key) > idempotencyMax {
		return false
	}
	for _, c := range []byte(key) {
		if c < '!' || c > '~' {
			return false
		}
	}
	return key != ""
}

func newClaim() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// hashedBody hashes what passes through.
type hashedBody struct {
	io.ReadCloser
	sum hash.Hash
}

func (h *hashedBody) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	h.sum.Write(p[:n])
	return n, err //nolint:wrapcheck // an io.Reader
}

func (h *hashedBody) hash() string { return hex.EncodeToString(h.sum.Sum(nil)) }

// recording holds the answer back until the record is settled: a caller who has the answer can count on getting it again.
type recording struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
	over   bool // too large to keep: passed through
}

func (o *recording) WriteHeader(status int) {
	if o.status == 0 {
		o.status = status
	}
}

func (o *recording) Write(b []byte) (int, error) {
	o.WriteHeader(http.StatusOK)
	if o.over {
		return o.ResponseWriter.Write(b) //nolint:wrapcheck // an io.Writer
	}
	o.body.Write(b)
	if o.body.Len() > maxKeptAnswer {
		o.flush()
		o.over = true
	}
	return len(b), nil
}

// flush hands the answer on.
func (o *recording) flush() {
	if o.over || o.status == 0 {
		return
	}
	o.ResponseWriter.WriteHeader(o.status)
	_, _ = o.ResponseWriter.Write(o.body.Bytes()) // the client is gone; nothing to do
}

// Unwrap lets http.ResponseController reach deadlines.
func (o *recording) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// keepable: only success is kept. A refusal had no effect, and what it refused for may be mended when the same request comes again: a sender
// that was stopped, a campaign that was paused.
func (o *recording) keepable() bool {
	return o.status != 0 && o.status < http.StatusBadRequest && !o.over
}
