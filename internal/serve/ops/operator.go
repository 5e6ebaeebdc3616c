package ops

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/overture-im/overture"
)

// Operator is what the installation's operator may ask for. It concerns every account, so no account's administrator may.
type Operator interface {
	Quarantine(ctx context.Context) (overture.Quarantine, error)
	BeginQuarantine(ctx context.Context, order overture.QuarantineOrder) error
	ReleaseQuarantine(ctx context.Context, who string, holdRest bool) error
	// Backup writes a backup to w. It writes nothing before the copy was made and found whole.
	Backup(ctx context.Context, w io.Writer, ageRecipients []string) error
}

// trouble is the answer of a door that has no accounts.
type trouble struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// QuarantineState is the answer about a quarantine.
type QuarantineState struct {
	Active   bool      `json:"active"`
	Begun    bool      `json:"begun"` // false for a restored database on which no server has started yet
	Clear    bool      `json:"clear"`
	Reason   string    `json:"reason,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Until    time.Time `json:"until,omitzero"`
	Planning int       `json:"campaigns_to_plan"`
	ToCheck  int       `json:"messages_to_mark"`
	InDoubt  int       `json:"messages_in_doubt"`
	Drafts   int       `json:"drafts_from_before"`
}

// StateOf is what the door says about a quarantine.
func StateOf(q overture.Quarantine) QuarantineState {
	return QuarantineState{
		Active: q.Active, Begun: q.Active && q.Begun(), Clear: q.Active && q.Clear(), Reason: q.Reason, Since: q.Since, Until: q.Until,
		Planning: q.Planning, ToCheck: q.ToCheck, InDoubt: q.InDoubt, Drafts: q.Drafts,
	}
}

func (o *Ops) quarantine(w http.ResponseWriter, r *http.Request) {
	q, err := o.deps.Operator.Quarantine(r.Context())
	if err != nil {
		o.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, StateOf(q))
}

func (o *Ops) beginQuarantine(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Since  time.Time `json:"since"`
		Reason string    `json:"reason"`
	}
	if !o.read(w, r, &in) {
		return
	}
	if in.Since.IsZero() || in.Reason == "" {
		o.fail(w, r, overture.ErrInvalid("quarantine", "say since when, and why"))
		return
	}
	if err := o.deps.Operator.BeginQuarantine(r.Context(), overture.QuarantineOrder{Since: in.Since, Reason: in.Reason}); err != nil {
		o.fail(w, r, err)
		return
	}
	o.quarantine(w, r)
}

func (o *Ops) releaseQuarantine(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Who      string `json:"who"`
		HoldRest bool   `json:"hold_rest"`
	}
	if !o.read(w, r, &in) {
		return
	}
	if in.Who == "" {
		o.fail(w, r, overture.ErrInvalid("who", "say who releases it: the name stands in every account's audit log"))
		return
	}
	if err := o.deps.Operator.ReleaseQuarantine(r.Context(), in.Who, in.HoldRest); err != nil {
		o.fail(w, r, err)
		return
	}
	o.quarantine(w, r)
}

// backup streams a backup. What goes wrong after the first byte cuts the connection, so that a part cannot pass for the whole.
func (o *Ops) backup(w http.ResponseWriter, r *http.Request) {
	var in struct {
		AgeRecipients []string `json:"age_recipients"`
	}
	if !o.read(w, r, &in) {
		return
	}
	out := &late{w: w}
	buffered := bufio.NewWriterSize(out, 256<<10)
	err := o.deps.Operator.Backup(r.Context(), buffered, in.AgeRecipients)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		return
	}
	if out.begun {
		o.deps.Log.ErrorContext(r.Context(), "a backup broke off", "error", err)
		panic(http.ErrAbortHandler)
	}
	o.fail(w, r, err)
}

// late sends the header with the first byte, so that an error before it can still be told.
type late struct {
	w     http.ResponseWriter
	begun bool
}

// Write passes on.
func (l *late) Write(b []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.w.Header().Set("Content-Type", "application/octet-stream")
		l.w.Header().Set("Cache-Control", "no-store")
	}
	return l.w.Write(b)
}

func (o *Ops) read(w http.ResponseWriter, r *http.Request, into any) bool {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		o.fail(w, r, &overture.Error{Kind: overture.Invalid, Code: "body_not_json", Message: "the body is not as described in docs/OPERATIONS.md", Err: err})
		return false
	}
	return true
}

var statuses = map[overture.Kind]int{
	overture.Invalid: http.StatusUnprocessableEntity, overture.NotFound: http.StatusNotFound, overture.Conflict: http.StatusConflict,
	overture.Unavailable: http.StatusServiceUnavailable,
}

func (o *Ops) fail(w http.ResponseWriter, r *http.Request, err error) {
	var known *overture.Error
	status := http.StatusInternalServerError
	t := trouble{Code: "internal", Detail: "something went wrong; see the server's log"}
	if errors.As(err, &known) {
		t = trouble{Code: known.Code, Detail: known.Message}
		if s, ok := statuses[known.Kind]; ok {
			status = s
		}
	}
	if status >= http.StatusInternalServerError {
		o.deps.Log.ErrorContext(r.Context(), "the operator's request failed", "path", r.URL.Path, "error", err)
	}
	answer(w, status, t)
}
