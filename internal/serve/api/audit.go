package api

import (
	"context"
	"net/http"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

type auditBody struct {
	ID        auditRef          `json:"id"`
	Actor     string            `json:"actor" doc:"Id of the user or API key, or system"`
	Action    string            `json:"action" doc:"Such as user.created or sender.stopped"`
	Subject   string            `json:"subject" doc:"Id of the changed thing"`
	Detail    overture.Sentence `json:"detail"`
	RequestID string            `json:"request_id"`
	At        time.Time         `json:"at"`
}

func wireAudit(e overture.AuditEntry) auditBody {
	return auditBody{ID: refTo(e.ID), Actor: e.Actor, Action: e.Action, Subject: e.Subject, Detail: overture.Written(e.Detail), RequestID: e.RequestID, At: e.At}
}

type auditInput struct {
	Paged
	Action  string    `query:"action" maxLength:"60" doc:"How the action begins: sender. finds all about senders"`
	Actor   string    `query:"actor" maxLength:"60" doc:"Id of the user or API key, or system"`
	Subject string    `query:"subject" maxLength:"60" doc:"Id of the changed thing"`
	From    time.Time `query:"from" doc:"RFC 3339"`
	Until   time.Time `query:"until" doc:"RFC 3339, exclusive"`
}

type auditOutput struct{ Body page[auditBody] }

func (a *API) registerAudit() {
	register(a, access.AuditRead, operation{Method: "GET", Path: "/v1/audit", Summary: "List privileged changes, newest first", Tag: "audit"}, a.listAudit)
	a.handle(access.AuditRead, plain{
		Method: "GET", Path: "/v1/audit.csv", Summary: "Privileged changes as CSV, newest first", Tag: "audit", Produces: "text/csv",
		Description: "Takes the filters of /v1/audit. The download is itself an entry.",
		Query: []query{
			{Name: "action", Doc: "How the action begins"},
			{Name: "actor", Doc: "Id of the user or API key, or system"},
			{Name: "subject", Doc: "Id of the changed thing"},
			{Name: "from", Doc: "RFC 3339"},
			{Name: "until", Doc: "RFC 3339, exclusive"},
		},
	}, a.exportAudit)
}

func (a *API) exportAudit(w http.ResponseWriter, r *http.Request, who access.Identity) error {
	q := r.URL.Query()
	f := overture.AuditFilter{AccountID: who.AccountID, Action: q.Get("action"), Actor: q.Get("actor"), Subject: q.Get("subject")}
	for name, at := range map[string]*time.Time{"from": &f.From, "until": &f.Until} {
		if text := q.Get(name); text != "" {
			var err error
			if *at, err = time.Parse(time.RFC3339, text); err != nil {
				return &overture.Error{
					Kind: overture.Invalid, Code: "invalid", Message: name + " is a time such as 2026-11-20T08:00:00Z",
					Fields: []overture.Field{{Location: "query." + name, Message: "a time of RFC 3339"}},
				}
			}
		}
	}
	return a.deps.Exports.Audit(r.Context(), who.Actor(), f, download(w, "audit.csv"))
}

func (a *API) listAudit(ctx context.Context, who access.Identity, in *auditInput) (*auditOutput, error) {
	before, err := in.after()
	if err != nil {
		return nil, err
	}
	entries, err := a.deps.Accounts.AuditEntries(ctx, overture.AuditFilter{
		AccountID: who.AccountID, Action: in.Action, Actor: in.Actor, Subject: in.Subject, From: in.From, Until: in.Until,
		Before: overture.AuditID(before), Limit: in.limit() + 1,
	})
	if err != nil {
		return nil, err
	}
	return &auditOutput{Body: pageOf(entries, in.limit(), wireAudit, func(e overture.AuditEntry) int64 { return int64(e.ID) })}, nil
}
