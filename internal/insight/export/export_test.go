package export_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/insight/export"
)

var update = flag.Bool("update", false, "write the golden files")

// rows is a source with fixed content.
type rows struct {
	campaigns  []overture.CampaignRecord
	recipients func(after overture.RecipientID, limit int) []overture.RecipientRecord
	noted      []string
	held       []overture.HeldMessage
	audit      []overture.AuditEntry
}

func (r *rows) AuditEntries(_ context.Context, f overture.AuditFilter) (out []overture.AuditEntry, err error) {
	for _, e := range r.audit {
		if (f.Before == 0 || e.ID < f.Before) && strings.HasPrefix(e.Action, f.Action) && len(out) < f.Limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func (r *rows) Campaign(_ context.Context, account overture.AccountID, id overture.CampaignID) (overture.Campaign, error) {
	for _, c := range r.campaigns {
		if c.ID == id && c.AccountID == account {
			return c.Campaign, nil
		}
	}
	return overture.Campaign{}, overture.ErrNotFound("campaign")
}

func (r *rows) CampaignRecords(_ context.Context, _ overture.AccountID, after overture.CampaignID, limit int) (out []overture.CampaignRecord, err error) {
	for _, c := range r.campaigns {
		if c.ID > after && len(out) < limit {
			out = append(out, c)
		}
	}
	return out, nil
}

func (r *rows) RecipientRecords(_ context.Context, _ overture.AccountID, _ overture.CampaignID, after overture.RecipientID, limit int) ([]overture.RecipientRecord, error) {
	return r.recipients(after, limit), nil
}

func (r *rows) ImportHeader(context.Context, overture.ImportID) (map[string]int, error) {
	return map[string]int{"name": 0}, nil
}

func (r *rows) NoteExport(_ context.Context, _ overture.Actor, what, _ string, _ time.Time) error {
	r.noted = append(r.noted, what)
	return nil
}

func source() *rows {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	c := overture.Campaign{
		ID: 77, AccountID: 1, Name: "=HYPERLINK(\"x\")", Channel: overture.SMS, State: overture.Running, Reason: "", RecipientCount: 3,
		Content: overture.Content{Text: "Hello {{name}},\n=1+1", OptOutText: overture.OptOutTextDefault}, Rate: 5, LaunchAt: at, LaunchedAt: at, CreatedAt: at.Add(-time.Hour),
		ConsentAt: at, ContentHash: "c0ffee", ListHash: "beef",
	}
	people := []overture.RecipientRecord{
		{
			Recipient: overture.Recipient{
				ID: 1, Row: 2, Address: "+12125550123", Zones: []string{"America/New_York"}, ZoneSource: "number", Segments: 1,
				Personal: overture.Personal{Values: []string{"Ada"}},
			},
			Message: &overture.Message{ID: 9, State: overture.Delivered, Attempts: 1, ProviderID: "SM1", AcceptedAt: at, UpdatedAt: at}, DeliveredAt: at.Add(time.Second), RepliedAt: at.Add(time.Minute),
		},
		{
			Recipient: overture.Recipient{ID: 2, Row: 3, Address: "+447700900123", ZoneSource: "unknown", Segments: 1, Personal: overture.Personal{Text: " @cmd, \"quoted\""}},
			Message:   &overture.Message{ID: 10, State: overture.Failed, Attempts: 2, Code: 30006, Reason: overture.ReasonAddressRefused, UpdatedAt: at},
		},
		{Recipient: overture.Recipient{ID: 3, Row: 4, Address: "+12125550124", Zones: []string{"America/Chicago", "America/New_York"}, ZoneSource: "number", Segments: 1}},
	}
	return &rows{
		campaigns: []overture.CampaignRecord{
			{
				CampaignLine: overture.CampaignLine{Campaign: c, Counts: overture.Counts{overture.Queued: 1, overture.Delivered: 1, overture.Failed: 1}},
				SenderName:   "Main", SenderAddress: "+12125550100", SkillName: "Support", CreatedByName: "Manager", ConsentByName: "Manager", Replied: 1, OptedOut: 1,
			},
			{CampaignLine: overture.CampaignLine{Campaign: overture.Campaign{ID: 78, AccountID: 1, Name: "Draft", Channel: overture.SMS, State: overture.Draft, CreatedAt: at}}},
		},
		recipients: func(after overture.RecipientID, limit int) (out []overture.RecipientRecord) {
			for _, p := range people {
				if p.ID > after && len(out) < limit {
					out = append(out, p)
				}
			}
			return out
		},
	}
}

func TestGolden(t *testing.T) {
	s := source()
	reports := export.New(s)
	by := overture.Actor{AccountID: 1, UserID: 2}
	for name, write := range map[string]func(io.Writer) error{
		"campaigns.csv":  func(w io.Writer) error { return reports.Campaigns(t.Context(), by, w) },
		"recipients.csv": func(w io.Writer) error { return reports.Recipients(t.Context(), by, 77, w) },
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := write(&got); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("differs from %s; run with -update and look at the difference:\n%s", path, got.Bytes())
			}
			records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(got.String(), "\uFEFF"))).ReadAll()
			if err != nil {
				t.Fatalf("not RFC 4180: %v", err)
			}
			for _, record := range records {
				for _, cell := range record {
					for line := range strings.SplitSeq(cell, "\n") {
						if trimmed := strings.TrimLeft(line, " \u00a0"); trimmed != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", []rune(trimmed)[0]) {
							t.Errorf("the cell %q can be read as a formula", cell)
						}
					}
				}
			}
		})
	}
	if len(s.noted) != 2 {
		t.Errorf("%d downloads were noted for the audit log, want 2", len(s.noted))
	}
}

// A campaign of another account is not found, before a byte is written.
func TestOtherAccount(t *testing.T) {
	var got bytes.Buffer
	err := export.New(source()).Recipients(t.Context(), overture.Actor{AccountID: 2}, 77, &got)
	if overture.KindOf(err) != overture.NotFound || got.Len() != 0 {
		t.Errorf("got %v after %d bytes", err, got.Len())
	}
}

// Memory does not grow with the list.
func TestMemoryIsFlat(t *testing.T) {
	const n = 200_000
	s := source()
	peak := uint64(0)
	s.recipients = func(after overture.RecipientID, limit int) (out []overture.RecipientRecord) {
		if after%50_000 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
		for id := after + 1; id <= n && len(out) < limit; id++ {
			out = append(out, overture.RecipientRecord{Recipient: overture.Recipient{
				ID: id, Row: int(id), Address: overture.Address(fmt.Sprintf("+1212555%04d", id%10000)),
				Personal: overture.Personal{Values: []string{"Ada"}},
			}})
		}
		return out
	}
	lines := &counter{}
	if err := export.New(s).Recipients(t.Context(), overture.Actor{AccountID: 1}, 77, lines); err != nil {
		t.Fatal(err)
	}
	if lines.n < n {
		t.Errorf("%d lines for %d recipients", lines.n, n)
	}
	if peak > 16<<20 {
		t.Errorf("the heap reached %d MiB", peak>>20)
	}
}

type counter struct{ n int }

func (c *counter) Write(p []byte) (int, error) {
	c.n += bytes.Count(p, []byte("\r\n"))
	return len(p), nil
}

func (r *rows) HeldMessages(_ context.Context, f overture.HeldFilter) (out []overture.HeldMessage, err error) {
	for _, m := range r.held {
		if m.MessageID > f.After && len(out) < f.Limit {
			out = append(out, m)
		}
	}
	return out, nil
}

// Held messages are exported with what is known about each, and the export is audited.
func TestHeld(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := &rows{held: []overture.HeldMessage{
		{
			Ended: overture.Ended{MessageID: 5, CampaignID: 2, RecipientID: 3, SenderID: 4, Address: "+12125550101"}, CampaignName: "=Renewal", Attempt: 2,
			AttemptedAt: at, HeldAt: at.Add(time.Hour), Lookups: 1, HTTPStatus: 503, Code: 20503,
		},
		{Ended: overture.Ended{MessageID: 6, SenderID: 4, Address: "+12125550102"}, Attempt: 1, AttemptedAt: at, HeldAt: at},
	}}
	var out bytes.Buffer
	if err := export.New(s).Held(t.Context(), overture.Actor{AccountID: 1}, overture.HeldFilter{AccountID: 1}, &out); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), "\uFEFF"))).ReadAll()
	if err != nil || len(records) != 3 {
		t.Fatal(records, err)
	}
	if r := records[1]; r[0] != "msg_5" || r[2] != "'=Renewal" || r[5] != "12125550101" || r[10] != "503" || !strings.Contains(r[12], "server error") {
		t.Errorf("first row %q", r)
	}
	if r := records[2]; r[1] != "" || r[3] != "" || r[10] != "" {
		t.Errorf("an answer has no campaign, recipient, status: %q", r)
	}
	if len(s.noted) != 1 {
		t.Errorf("noted %q", s.noted)
	}
}

func TestAuditIsWrittenWhole(t *testing.T) {
	s := source()
	for id := overture.AuditID(2500); id > 0; id-- {
		s.audit = append(s.audit, overture.AuditEntry{ID: id, Actor: "system", Action: "sender.stopped", Subject: "snd_1", Detail: "=1+1", At: time.UnixMilli(0)})
	}
	var out strings.Builder
	if err := export.New(s).Audit(t.Context(), overture.Actor{AccountID: 1}, overture.AuditFilter{Action: "sender."}, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\r\n")
	if len(lines) != 2501 || !strings.Contains(lines[1], `,system,sender.stopped,snd_1,'=1+1,`) || !slices.Equal(s.noted, []string{"audit"}) {
		t.Errorf("%d lines, the first is %q, noted %v", len(lines), lines[1], s.noted)
	}
}
