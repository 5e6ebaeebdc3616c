package export

import (
	"context"
	"io"
	"time"

	"github.com/overture-im/overture"
)

// auditHeader names the columns of the audit log. New columns go to the end.
var auditHeader = []string{"entry", "at", "actor", "action", "subject", "detail", "request"}

// Audit writes the entries of the audit log that a filter selects, newest first. The download itself is the newest.
func (r *Reports) Audit(ctx context.Context, by overture.Actor, f overture.AuditFilter, w io.Writer) error {
	if err := r.source.NoteExport(ctx, by, "audit", by.AccountID.String(), time.Now()); err != nil {
		return err
	}
	out := newTable(w)
	out.row(auditHeader...)
	f.AccountID, f.Limit = by.AccountID, pageOfRecipients
	for {
		page, err := r.source.AuditEntries(ctx, f)
		if err != nil {
			return err
		}
		for _, e := range page {
			out.row(e.ID.String(), moment(e.At), e.Actor, e.Action, e.Subject, e.Detail, e.RequestID)
			f.Before = e.ID
		}
		if err := out.flush(); err != nil || len(page) < pageOfRecipients {
			return err
		}
	}
}
