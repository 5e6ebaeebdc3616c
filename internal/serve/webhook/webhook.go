// Package webhook is the door for what providers call: status callbacks and inbound messages.
//
// A caller is who knows the sender's unguessable path and signs with its token over the configured public URL; Host and X-Forwarded
// headers are never read. Account and sender come from our own rows, never from the payload. 2xx means durable (R10); anything else asks
// the provider to send again.
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/overture-im/overture"
)

// Senders finds the sender of a webhook path, with its credentials. NotFound: there is none.
type Senders interface {
	SenderByWebhookKey(ctx context.Context, key string) (overture.Sender, error)
}

// Receipts stores a receipt, or what one post brought; it returns when that is durable.
type Receipts interface {
	Add(ctx context.Context, r overture.Receipt) error
	AddAll(ctx context.Context, receipts []overture.Receipt) error
}

// Inbound stores an inbound message; it returns when it is durable.
type Inbound interface {
	Receive(ctx context.Context, sender overture.Sender, in overture.Inbound) error
}

// Parser reads one provider's webhooks. Errors are Invalid and say what is wrong.
type Parser struct {
	Status  func(form, query url.Values) (overture.Receipt, error)
	Inbound func(form url.Values) (overture.Inbound, error)
}

// Deps of the door.
type Deps struct {
	PublicURL string // what providers call, without a trailing slash: https://overture.example.com
	Senders   Senders
	Receipts  Receipts
	Inbound   Inbound
	Twilio    Parser
	Batches   bool // with the lab only: posts of many receipts
	Log       *slog.Logger
	Now       func() time.Time
}

// Door serves the webhooks. Safe for concurrent use.
type Door struct {
	deps    Deps
	senders *senderCache
	warned  atomic.Int64 // Unix seconds of the last warning about what callers send: a flood must not fill the log
}

// New makes the door.
func New(d Deps) *Door {
	d.PublicURL = strings.TrimRight(d.PublicURL, "/")
	return &Door{deps: d, senders: newSenderCache(d.Senders, d.Now)}
}

// Mount registers the routes.
func (d *Door) Mount(mux *http.ServeMux) {
	mux.HandleFunc("POST /hooks/twilio/{key}/status", d.twilioStatus)
	mux.HandleFunc("POST /hooks/twilio/{key}/inbound", d.twilioInbound)
	if d.deps.Batches {
		mux.HandleFunc("POST /hooks/lab/{key}/receipts", d.batch)
	}
}

// fail answers with a problem. Only an error's Message is shown.
func (d *Door) fail(w http.ResponseWriter, r *http.Request, sender overture.SenderID, err error) {
	var known *overture.Error
	if !errors.As(err, &known) {
		known = &overture.Error{Kind: overture.KindOf(err), Message: "something went wrong here; send this again"}
	}
	status := statusOf(known.Kind)
	if status >= http.StatusInternalServerError {
		w.Header().Set("Retry-After", "1")
		if r.Context().Err() == nil { // nobody waits for the answer of a request that was given up
			d.deps.Log.Error("a webhook could not be stored", "sender_id", sender.String(), "error", err)
		}
	} else if sender != 0 && d.mayWarn() { // of an address that exists
		if status == http.StatusForbidden {
			d.deps.Log.Warn("a webhook was refused; if it is the provider's, the sender's auth token or the public URL of this server is wrong",
				"sender_id", sender.String(), "code", known.Code)
		} else {
			d.deps.Log.Warn("a webhook could not be read; nothing of it was kept, and nothing else waits for it", "sender_id", sender.String(), "code", known.Code)
		}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{ // the caller has gone or has it
		"title": http.StatusText(status), "status": status, "code": known.Code, "detail": known.Message,
	})
}

// mayWarn tells once a second that something may be said.
func (d *Door) mayWarn() bool {
	now := d.deps.Now().Unix()
	last := d.warned.Load()
	return last != now && d.warned.CompareAndSwap(last, now)
}

func statusOf(k overture.Kind) int {
	switch k {
	case overture.Invalid:
		return http.StatusBadRequest
	case overture.Forbidden, overture.Unauthorized:
		return http.StatusForbidden
	case overture.NotFound:
		return http.StatusNotFound
	case overture.TooLarge:
		return http.StatusRequestEntityTooLarge
	case overture.Unavailable, overture.TooMany:
		return http.StatusServiceUnavailable
	case overture.Conflict, overture.Internal:
	}
	return http.StatusInternalServerError
}
