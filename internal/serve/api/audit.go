package api

import (
	"context"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

type auditBody struct {
	ID        auditRef  `json:"id"`
	Actor     string    `json:"actor" doc:"Id of the user or API key, or system"`
	Action    string    `json:"action" doc:"Such as user.created or sender.stopped"`
	Subject   string    `json:"subject" doc:"Id of the changed thing"`
	Detail    string    `json:"detail"`
	RequestID string    `json:"request_id"`
	At        time.Time `json:"at"`
}

func wireAudit(e overture.AuditEntry) auditBody {
	return auditBody{ID: refTo(e.ID), Actor: e.Actor, Action: e.Action, Subject: e.Subject, Detail: e.Detail, RequestID: e.RequestID, At: e.At}
}

type auditOutput struct{ Body page[auditBody] }

func (a *API) registerAudit() {
	register(a, access.AuditRead, operation{Method: "GET", Path: "/v1/audit", Summary: "List privileged changes, newest first", Tag: "audit"}, a.listAudit)
}

func (a *API) listAudit(ctx context.Context, who access.Identity, in *Paged) (*auditOutput, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	entries, err := a.deps.Accounts.AuditEntries(ctx, who.AccountID, overture.AuditID(after), in.limit()+1)
	if err != nil {
		return nil, err
	}
	return &auditOutput{Body: pageOf(entries, in.limit(), wireAudit, func(e overture.AuditEntry) int64 { return int64(e.ID) })}, nil
}
