// Package export writes reports as CSV: all campaigns of an account, and everything about one campaign's recipients.
//
//	Does:   streams rows page by page, so that memory stays the same for ten and for a million recipients
//	Reads:  campaigns, recipients, messages, receipts, counters
//	Writes: an audit entry per download; nothing else
//	Wakes:  nobody
//
// The form: UTF-8 with a byte order mark (spreadsheets take a file without one for Latin-1), comma, a header, lines end with CR LF (RFC 4180). No cell can be read as a formula by a spreadsheet: each of its lines
// that begins like one gets an apostrophe in front (kit/csvrow). Phone numbers are written as digits without the plus, for the same reason;
// a list in this form can be uploaded again. Times are UTC in RFC 3339. A row shows its recipient as it was when its page was read.
package export

import (
	"bufio"
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/csvrow"
	"github.com/overture-im/overture/internal/kit/segment"
)

// Source is what the reports are made of.
type Source interface {
	Campaign(ctx context.Context, account overture.AccountID, id overture.CampaignID) (overture.Campaign, error)
	CampaignRecords(ctx context.Context, account overture.AccountID, after overture.CampaignID, limit int) ([]overture.CampaignRecord, error)
	RecipientRecords(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, after overture.RecipientID, limit int) ([]overture.RecipientRecord, error)
	ImportHeader(ctx context.Context, id overture.ImportID) (map[string]int, error)
	HeldMessages(ctx context.Context, f overture.HeldFilter) ([]overture.HeldMessage, error)
	AuditEntries(ctx context.Context, f overture.AuditFilter) ([]overture.AuditEntry, error)
	NoteExport(ctx context.Context, by overture.Actor, what, subject string, now time.Time) error
}

// Reports writes them.
type Reports struct{ source Source }

// New makes the room.
func New(s Source) *Reports { return &Reports{source: s} }

// pageOfCampaigns and pageOfRecipients are how many rows are in memory at once.
const (
	pageOfCampaigns  = 200
	pageOfRecipients = 1000
)

// campaignHeader names the columns of the report of all campaigns. New columns go to the end.
var campaignHeader = []string{
	"campaign", "name", "channel", "sender", "sender_number", "skill", "state", "reason", "recipients", "waiting", "accepted", "delivered",
	"undelivered", "failed", "suppressed", "expired", "canceled", "held", "replied", "opted_out", "text", "opt_out_text", "rate", "launch_at",
	"launched_at", "completed_at", "expires_at", "created_by", "created_at", "consent_by", "consent_at", "content_hash", "list_hash", "archived_at",
	"people_deleted_at",
}

// Campaigns writes the details of all campaigns since the account began, oldest first (B3). An error after the first byte leaves an
// incomplete file: the caller cuts the connection.
func (r *Reports) Campaigns(ctx context.Context, by overture.Actor, w io.Writer) error {
	if err := r.source.NoteExport(ctx, by, "campaigns", by.AccountID.String(), time.Now()); err != nil {
		return err
	}
	out := newTable(w)
	out.row(campaignHeader...)
	var after overture.CampaignID
	for {
		page, err := r.source.CampaignRecords(ctx, by.AccountID, after, pageOfCampaigns)
		if err != nil {
			return err
		}
		for i := range page {
			out.row(campaignCells(&page[i])...)
			after = page[i].ID
		}
		if err := out.flush(); err != nil || len(page) < pageOfCampaigns {
			return err
		}
	}
}

func campaignCells(c *overture.CampaignRecord) []string {
	n := c.Counts
	waiting := n[overture.Queued] + n[overture.Attempting] + n[overture.Unknown]
	return []string{
		c.ID.String(), c.Name, string(c.Channel), c.SenderName, digits(c.SenderAddress), c.SkillName, string(c.State), c.Reason,
		number(c.RecipientCount), number(waiting), number(n.AcceptedOrLater()), number(n[overture.Delivered] + n[overture.Read]),
		number(n[overture.Undelivered]), number(n[overture.Failed]), number(n[overture.Suppressed]), number(n[overture.Expired]),
		number(n[overture.Canceled]), number(n[overture.Held]), number(c.Replied), number(c.OptedOut), c.Content.Text, c.Content.OptOutText,
		number(c.Rate), moment(c.LaunchAt), moment(c.LaunchedAt), moment(c.CompletedAt), moment(c.ExpiresAt), c.CreatedByName,
		moment(c.CreatedAt), c.ConsentByName, moment(c.ConsentAt), c.ContentHash, c.ListHash, moment(c.ArchivedAt),
		moment(c.PeopleDeletedAt),
	}
}

// recipientHeader names the columns of the report of one campaign. New columns go to the end.
var recipientHeader = []string{
	"recipient", "row", "number", "zones", "zone_source", "text", "segments", "state", "reason", "code", "attempts", "provider_id",
	"accepted_at", "delivered_at", "replied_at", "updated_at", "message",
}

// Recipients writes everything about a campaign's recipients and messages, in the order of the list (B3). Each state is named as the API
// names it; a recipient without a message yet is "queued". What retention deleted is one line at the end that says so.
func (r *Reports) Recipients(ctx context.Context, by overture.Actor, id overture.CampaignID, w io.Writer) error {
	c, err := r.source.Campaign(ctx, by.AccountID, id)
	if err != nil {
		return err
	}
	if err := r.source.NoteExport(ctx, by, "recipients", id.String(), time.Now()); err != nil {
		return err
	}
	out := newTable(w)
	out.row(recipientHeader...)
	names := map[overture.ImportID]map[string]int{}
	var after overture.RecipientID
	for {
		page, err := r.source.RecipientRecords(ctx, by.AccountID, id, after, pageOfRecipients)
		if err != nil {
			return err
		}
		for i := range page {
			rec := &page[i]
			if _, ok := names[rec.ImportID]; !ok {
				if names[rec.ImportID], err = r.source.ImportHeader(ctx, rec.ImportID); err != nil {
					return err
				}
			}
			rec.Personal.Names = names[rec.ImportID]
			out.row(recipientCells(c, rec)...)
			after = rec.ID
		}
		if len(page) < pageOfRecipients {
			if !c.PeopleDeletedAt.IsZero() {
				out.row(deletedCells(c)...)
			}
			return out.flush()
		}
		if err := out.flush(); err != nil {
			return err
		}
	}
}

// deletedCells is the line in place of people who are gone. It is no recipient: it has neither id nor number.
func deletedCells(c overture.Campaign) []string {
	cells := make([]string, len(recipientHeader))
	cells[slices.Index(recipientHeader, "state")] = "deleted"
	cells[slices.Index(recipientHeader, "reason")] = overture.DeletedByRetention(c.PeopleDeletedAt)
	cells[slices.Index(recipientHeader, "updated_at")] = moment(c.PeopleDeletedAt)
	return cells
}

func recipientCells(c overture.Campaign, r *overture.RecipientRecord) []string {
	m := r.Message
	if m == nil {
		m = &overture.Message{}
	}
	state := m.State.String()
	if m.ID == 0 && c.State == overture.Draft {
		state = "draft"
	}
	code := ""
	if m.Code != 0 {
		code = number(m.Code)
	}
	return []string{
		r.ID.String(), number(r.Row), digits(r.Address), strings.Join(r.Zones, "; "), r.ZoneSource, finalText(c.Content, r.Personal),
		number(r.Segments), state, m.Reason, code, number(m.Attempts), m.ProviderID, moment(m.AcceptedAt), moment(r.DeliveredAt),
		moment(r.RepliedAt), moment(m.UpdatedAt), idOf(m.ID),
	}
}

// finalText is the text as it goes or went out; a row that does not render says why instead.
func finalText(content overture.Content, personal overture.Personal) string {
	text, err := content.For(personal)
	if err != nil {
		var known *overture.Error
		if errors.As(err, &known) {
			return "(" + known.Message + ")"
		}
		return ""
	}
	if content.SmartEncoding {
		text = segment.Smart(text)
	}
	return text
}

func idOf(id overture.MessageID) string {
	if id == 0 {
		return ""
	}
	return id.String()
}

// digits is a number without its plus, which a spreadsheet would take for a formula.
func digits(a overture.Address) string { return strings.TrimPrefix(string(a), "+") }

func number(n int) string { return strconv.Itoa(n) }

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// table writes safe rows; the first error stays.
type table struct {
	w    *bufio.Writer
	line []byte
	err  error
}

func newTable(w io.Writer) *table {
	t := &table{w: bufio.NewWriterSize(w, 1<<16)}
	_, t.err = t.w.WriteString("\uFEFF")
	return t
}

func (t *table) row(cells ...string) {
	if t.err == nil {
		t.line = csvrow.AppendSafe(t.line[:0], cells...)
		_, t.err = t.w.Write(t.line)
	}
}

func (t *table) flush() error {
	if t.err == nil {
		t.err = t.w.Flush()
	}
	return t.err
}
