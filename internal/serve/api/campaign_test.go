package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/kit/phone"
	"github.com/overture-im/overture/internal/kit/tz"
	"github.com/overture-im/overture/internal/outbound/recipient"
)

// campaign adds a draft with one recipient, and a message that is held.
func (w *world) campaign(tn *tenant, by overture.Actor, sender overture.Sender, skill overture.SkillID) {
	w.t.Helper()
	c, err := w.store.CreateCampaign(w.t.Context(), by, overture.Campaign{
		AccountID: tn.id, BrandID: sender.BrandID, Name: "Renewal", Channel: overture.SMS, SenderID: sender.ID,
		SkillID: skill, Content: overture.Content{Text: "Hello", OptOutText: overture.OptOutTextDefault}, Window: overture.AlwaysOpen(), Rate: 1,
		Lookback: time.Hour, Policy: overture.Safe, OpenConversation: overture.OpenConversationSkip,
	}, time.Now())
	w.must(err)
	tn.ids["campaign"] = c.ID.String()
	tn.ids["recipient"] = w.recipient(c).String()
	imports, err := w.store.Imports(w.t.Context(), tn.id, c.ID)
	w.must(err)
	tn.ids["import"] = imports[0].ID.String()
	m, err := w.store.EnqueueDirect(w.t.Context(), overture.Message{AccountID: tn.id, SenderID: sender.ID, Address: "+12125550177", Body: "x"}, time.Now(), time.Now().Add(time.Hour))
	w.must(err)
	w.exec(`DELETE FROM dispatch WHERE message_id = $1`, m.ID)
	w.exec(`UPDATE message SET state = 40 WHERE id = $1`, m.ID)
	tn.ids["message"] = m.ID.String()
	order, err := w.store.CreateHeldOrder(w.t.Context(), overture.HeldOrder{By: by, How: overture.GiveUp, Filter: overture.HeldFilter{AccountID: tn.id, HeldBefore: time.Now()}, CreatedAt: time.Now()})
	w.must(err)
	tn.ids["order"] = order.ID.String()
}

func (w *world) recipient(c overture.Campaign) overture.RecipientID {
	w.t.Helper()
	imp, id := w.store.NewID(), w.store.NewID()
	w.exec(`INSERT INTO list_import (id, account_id, campaign_id, state, source, file_name, encoding, delimiter, header, row_count, valid, rejected,
			duplicates, opted_out, worst_row, worst_segments, segments, list_hash, content_hash, error, created_at, finished_at)
		VALUES ($1, $2, $3, 'done', 'typed', '', 'utf-8', ',', '', 1, 1, 0, 0, 0, 1, 1, 1, $4, $5, '', 1, 1)`, imp, c.AccountID, c.ID, overture.ListHash{1}.String(), c.Content.Hash())
	w.exec(`INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments)
		VALUES ($1, $2, $3, $4, 1, '+12125550123', 'America/New_York', 'number', '', '', 1)`, id, c.AccountID, c.ID, imp)
	w.exec(`INSERT INTO recipient_address (address, campaign_id, recipient_id) VALUES ('+12125550123', $1, $2)`, c.ID, id)
	w.exec(`UPDATE campaign SET recipient_count = 1 WHERE id = $1`, c.ID)
	return overture.RecipientID(id)
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	if _, err := w.store.DB().Write.ExecContext(w.t.Context(), query, args...); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
}

func (w *world) people() *recipient.Room {
	return recipient.New(recipient.Deps{Store: w.store, ParsePhone: parsePhone, ZoneKnown: tz.Valid, Log: slog.New(slog.DiscardHandler)})
}

func (w *world) recheck(ctx context.Context, account overture.AccountID, id overture.CampaignID) error {
	_, err := w.people().Recheck(ctx, account, id)
	return err
}

func parsePhone(text string) (string, []string, error) {
	n, err := phone.Parse(text)
	return n.E164, n.Zones, err
}

// One campaign through the door: compose, look, launch, pause, go on, cancel, copy, put away, with the answer a program sees each time.
func TestCampaignThroughTheDoor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	manager := w.as(w.a, overture.CampaignManager)
	id := w.a.ids["campaign"]
	steps := []struct {
		method, path, body string
		status             int
		want               string // part of the answer
	}{
		{"POST", "/v1/campaigns", fill(t, "", `{"name":"Spring","sender":"{sender}","skill":"{skill}","text":"Hi {{1}}","rate":3,"lookback_hours":0,"window":{"mon":["09:00","17:30"]}}`, w.a), 201, `"lookback_hours":0`},
		{"POST", "/v1/campaigns", fill(t, "", `{"name":"Spring","sender":"{sender}","skill":"{skill}","rate":999}`, w.a), 422, `"location":"body.rate"`},
		{"POST", "/v1/campaigns", fill(t, "", `{"name":"Spring","sender":"{sender}","skill":"{skill}","speed":1}`, w.a), 422, `body.speed`},
		{"POST", "/v1/campaigns", fill(t, "", `{"name":"Spring","sender":"{sender}","skill":"skl_zzz"}`, w.a), 404, `"skill_not_found"`},
		{"GET", "/v1/campaigns?q=renew", "", 200, `"counts":{"queued":0`},
		{"GET", "/v1/campaigns?state=running", "", 200, `"items":[]`},
		{"PATCH", "/v1/campaigns/" + id, `{"text":"Hello again","launch_at":"2030-01-01T09:00:00Z"}`, 422, `launch_at`},
		{"PATCH", "/v1/campaigns/" + id, `{"text":"Hello again","updated_at":"2026-01-01T00:00:00Z"}`, 409, `"campaign_changed"`},
		{"PATCH", "/v1/campaigns/" + id, `{"text":"Hello To stop","check_list":false}`, 200, `"text":"Hello To stop"`},
		{"GET", "/v1/campaigns/" + id + "/checklist", "", 200, `"list_checked"`},
		{"PATCH", "/v1/campaigns/" + id, `{}`, 200, `"text":"Hello To stop"`},
		{"POST", "/v1/text/measure", `{"text":"it’s"}`, 200, `"plain":"'"`},
		{"PATCH", "/v1/campaigns/" + id, `{"rate":2,"launch_at":""}`, 200, `"rate":2`},
		{"GET", "/v1/campaigns/" + id + "/checklist", "", 200, `"ready":true`},
		{"GET", "/v1/campaigns/" + id + "/checklist?launch_at=2020-01-01T00:00:00Z", "", 200, `"ready":false`},
		{"POST", "/v1/campaigns/" + id + "/test-send", `{"to":"+12125550199"}`, 202, `"text":"Hello To stop`},
		{"POST", "/v1/campaigns/" + id + "/test-send", `{"to":"5550199"}`, 422, `"location":"body.to"`},
		{"POST", "/v1/campaigns/" + id + "/pause", "", 409, `"campaign_draft"`},
		{"POST", "/v1/campaigns/" + id + "/launch", `{}`, 422, `"consent_missing"`},
		{"POST", "/v1/campaigns/" + id + "/launch", `{"consent":false}`, 422, `"consent_missing"`},
		{"POST", "/v1/campaigns/" + id + "/launch", `{"consent":true,"launch_at":"soon"}`, 422, `"bad_time"`},
		{"POST", "/v1/campaigns/" + id + "/launch", `{"consent":true,"launch_at":"2020-01-01T00:00:00Z"}`, 422, `"location":"checklist.launch"`},
		{"POST", "/v1/campaigns/" + id + "/launch", `{"consent":true,"launch_at":"now"}`, 200, `"state":"running"`},
		{"POST", "/v1/campaigns/" + id + "/launch", `{"consent":true}`, 409, `"campaign_not_draft"`},
		{"PATCH", "/v1/campaigns/" + id, `{"text":"too late"}`, 409, `"campaign_not_draft"`},
		{"DELETE", "/v1/campaigns/" + id, "", 409, `"campaign_not_draft"`},
		{"GET", "/v1/campaigns/" + id + "/progress", "", 200, `"counts":{"queued":1,`},
		{"POST", "/v1/campaigns/" + id + "/pause", `{"reason":"lunch"}`, 200, `"reason":"paused by campaign_manager: lunch"`},
		{"GET", "/v1/campaigns/" + id + "/progress", "", 200, `"stalled_reason":"paused by campaign_manager: lunch"`},
		{"POST", "/v1/campaigns/" + id + "/resume", "", 200, `"state":"running"`},
		{"POST", "/v1/campaigns/" + id + "/retry-failed", "", 200, `"retried":0`},
		{"POST", "/v1/campaigns/" + id + "/archive", "", 409, `"campaign_running"`},
		{"POST", "/v1/campaigns/" + id + "/cancel", "", 200, `"state":"canceled"`},
		{"POST", "/v1/campaigns/" + id + "/retry-failed", `{"all":true}`, 409, `"campaign_canceled"`},
		{"POST", "/v1/campaigns/" + id + "/duplicate", `{"with_recipients":true}`, 201, `"recipients":1`},
		{"POST", "/v1/campaigns/" + id + "/archive", "", 200, `"archived_at":`},
		{"GET", "/v1/figures?from=2026-01-01&to=2030-01-01", "", 200, `"campaigns":1`},
		{"GET", "/v1/figures?from=yesterday", "", 422, `query.from`},
		{"GET", "/v1/figures?from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z", "", 422, `query.to`},
		{"GET", "/v1/figures?skill=" + w.a.ids["skill"] + "&campaign=" + id, "", 200, `"campaigns":1`},
		{"GET", "/v1/figures?skill=" + w.b.ids["skill"], "", 404, `"skill_not_found"`},
		{"GET", "/v1/figures?campaign=" + w.b.ids["campaign"], "", 404, `"campaign_not_found"`},
		{"GET", "/v1/analytics?range=today&zone=Asia/Kathmandu&compare=true&skill=" + w.a.ids["skill"], "", 200, `"step":"hour"`},
		{"GET", "/v1/analytics?range=custom&from=2026-01-01&to=2026-01-02", "", 200, `"counts":{"sent":0,`},
		{"GET", "/v1/analytics?range=custom&from=yesterday&to=2026-01-02", "", 422, `query.from`},
		{"GET", "/v1/analytics?range=ever", "", 422, `query.range`},
		{"GET", "/v1/analytics?zone=Mars", "", 422, `"unknown_zone"`},
		{"GET", "/v1/analytics?sender=" + w.b.ids["sender"], "", 404, `"sender_not_found"`},
		{"GET", "/v1/analytics?campaign=" + w.b.ids["campaign"], "", 404, `"campaign_not_found"`},
		{"GET", "/v1/analytics.csv?range=custom&from=2026-01-01&to=2026-01-02&zone=UTC", "", 200, `2026-01-02T00:00:00Z,2026-01-03T00:00:00Z,UTC,0,`},
		{"GET", "/v1/analytics.csv?skill=" + w.b.ids["skill"], "", 404, `"skill_not_found"`},
		{"POST", "/v1/text/measure", `{"text":"Hi 🎉"}`, 200, `"offender":"🎉"`},
		{"POST", "/v1/text/measure", `{"text":""}`, 200, `"available":98`},
		{"GET", "/v1/held?campaign=" + w.a.ids["campaign"] + "&older_than_hours=1", "", 200, `"total":0`},
		{"GET", "/v1/held?campaign=" + w.b.ids["campaign"], "", 404, `"campaign_not_found"`},
		{"POST", "/v1/held/resolve", `{"action":"give_up"}`, 422, `"no_choice"`},
		{"POST", "/v1/held/resolve", `{"action":"give_up","older_than_hours":90000}`, 422, `older_than_hours`},
		{"POST", "/v1/held/resolve", `{"action":"resend","campaign":"` + w.a.ids["campaign"] + `","messages":[]}`, 422, `"body.messages"`},
		{"POST", "/v1/held/resolve", `{"action":"resend","messages":["` + w.a.ids["message"] + `"],"older_than_hours":1}`, 202, `"matched":0`},
		{"GET", "/v1/held/orders/" + w.a.ids["order"], "", 200, `"action":"give_up"`},
		{"POST", "/v1/messages/" + w.a.ids["message"] + "/resolve", `{"action":"forget"}`, 422, `body.action`},
		{"POST", "/v1/messages/" + w.a.ids["message"] + "/resolve", `{"action":"give_up"}`, 200, `"state":"failed"`},
		{"POST", "/v1/messages/" + w.a.ids["message"] + "/resolve", `{"action":"resend"}`, 409, `"message_not_held"`},
	}
	for _, s := range steps {
		got := w.do(manager, s.method, s.path, s.body)
		if got.status != s.status || !strings.Contains(got.body, s.want) {
			t.Errorf("%s %s %s: %d %s; want %d with %s", s.method, s.path, s.body, got.status, got.body, s.status, s.want)
		}
	}
}

// Downloads are CSV under their own name, and noted in the audit log.
func TestDownloads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	manager := w.as(w.a, overture.CampaignManager)
	for path, line := range map[string]string{
		"/v1/campaigns.csv": "\uFEFFcampaign,name,",
		"/v1/campaigns/" + w.a.ids["campaign"] + "/recipients.csv": "\uFEFFrecipient,row,number,",
	} {
		got := w.do(manager, "GET", path, "")
		if got.status != 200 || !strings.HasPrefix(got.body, line) || strings.Count(got.body, "\r\n") != 2 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/csv") ||
			!strings.Contains(got.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %d %v %q", path, got.status, got.header, got.body)
		}
	}
	if got := w.do(manager, "GET", "/v1/campaigns/cmp_zzz/recipients.csv", ""); got.status != 404 || !strings.HasPrefix(got.header.Get("Content-Type"), "application/problem+json") {
		t.Errorf("no such campaign: %d %v", got.status, got.header)
	}
	var n int
	w.must(w.store.DB().Read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM audit WHERE action LIKE 'export.%' AND account_id = $1`, w.a.id).Scan(&n))
	if n != 2 {
		t.Errorf("%d downloads in the audit log, want 2", n)
	}
}

// The same key launches once, whatever the second call says.
func TestLaunchIsIdempotent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	manager := w.as(w.a, overture.CampaignManager)
	path := "/v1/campaigns/" + w.a.ids["campaign"] + "/launch"
	first := w.do(manager, "POST", path, `{"consent":true}`, "Idempotency-Key", "k1")
	again := w.do(manager, "POST", path, `{"consent":true}`, "Idempotency-Key", "k1")
	if first.status != 200 || again.status != 200 || first.body != again.body {
		t.Errorf("first %d %s, again %d %s", first.status, first.body, again.status, again.body)
	}
}

// An API key launches too; the person who made it answers for the consent.
func TestKeyLaunches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.do(w.key(w.a, access.CampaignsLaunch), "POST", "/v1/campaigns/"+w.a.ids["campaign"]+"/launch", `{"consent":true}`)
	if got.status != 200 || got.field(t, "consent_by") != w.a.admin.String() {
		t.Errorf("%d %s, want consent by %s", got.status, got.body, fmt.Sprint(w.a.admin))
	}
}

// A list through the door: typed and uploaded, looked at, repaired, taken away.
func TestRecipientsThroughTheDoor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	manager := w.as(w.a, overture.CampaignManager)
	path := "/v1/campaigns/" + w.a.ids["campaign"]
	csv := []string{"Content-Type", "text/csv"}
	steps := []struct {
		method, path, body string
		header             []string
		status             int
		want               string
	}{
		{"POST", "/recipients/csv?header=yes&file_name=people.csv", "phone,name\n+12125550124,Ada\n12125550125,Bob\n12125550125,Bob\n5550126,Eve\n", csv, 201, `"valid":2,"rejected":2,"duplicates":1`},
		{"POST", "/recipients/csv", "phone\n+12125550127\n", []string{"Content-Type", "application/octet-stream"}, 201, `"valid":1`},
		{"POST", "/recipients/csv", "phone\n+12125550128\n", []string{"Content-Type", "multipart/form-data"}, 415, `"content_type"`},
		{"POST", "/recipients/csv", "", csv, 422, `"empty_file"`},
		{"POST", "/recipients/csv", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00", csv, 422, `"not_text"`},
		{"POST", "/recipients/csv?encoding=ebcdic", "phone\n+12125550129\n", csv, 422, `"unknown_encoding"`},
		{"POST", "/recipients/csv?speed=1", "phone\n", csv, 422, `query.speed`},
		{"POST", "/recipients/csv", strings.Repeat("+12125550123\n", 2500), csv, 413, `"too_many_rows"`},
		{"POST", "/recipients/typed", `{"lines":"+12125550130\n+12125550131, a text of their own"}`, nil, 201, `"valid":2`},
		{"POST", "/recipients/check", `{"lines":"+12125550132\n+12125550130"}`, nil, 200, `"row":1,"address":"+12125550132"`},
		{"POST", "/recipients/typed", `{"lines":"` + strings.Repeat(`+12125550130\n`, 101) + `"}`, nil, 413, `"too_many_lines"`},
		{"GET", "/recipients?limit=2", "", nil, 200, `"next_cursor"`},
		{"GET", "/recipients?q=50131", "", nil, 200, `"text":"a text of their own ` + overture.OptOutTextDefault},
		{"GET", "/recipients?row=1", "", nil, 200, `"address":"+12125550130"`},
		{"GET", "/recipients?state=delivered", "", nil, 200, `"items":[]`},
		{"GET", "/recipients?state=lost", "", nil, 422, `query.state`},
		{"GET", "/recipients/" + w.a.ids["recipient"], "", nil, 200, `"check":"window"`},
		{"GET", "/recipients/rcp_zzz", "", nil, 404, `"recipient_not_found"`},
		{"POST", "/imports/imp_zzz/cancel", "", nil, 404, `"import_not_found"`},
		{"GET", "/imports", "", nil, 200, `"file_name":"people.csv"`},
		{"GET", "/problems", "", nil, 200, `"code":"duplicate_number","count":1`},
		{"GET", "/problems?code=invalid_number", "", nil, 200, `"raw":"5550126,Eve","columns":["phone","name"],"cells":["5550126","Eve"],"at":0`},
		{"GET", "/problems?limit=1", "", nil, 200, `"next_cursor"`},
		{"GET", "/problems?cursor=nonsense", "", nil, 422, `"bad_cursor"`},
		{"GET", "/problems.csv", "", nil, 200, "5550126"},
		{"POST", "/problems/fix", `{"row":5,"line":"555,Eve"}`, nil, 200, `"remaining":1`},
		{"POST", "/problems/fix", `{"row":5,"cells":["+12125550126","Eve"]}`, nil, 200, `"fixed":1`},
		{"POST", "/problems/fix", `{"row":5,"line":"+12125550126,Eve"}`, nil, 404, `"problem_not_found"`},
		{"POST", "/problems/fix", `{"row":5,"rule":"discard"}`, nil, 422, `"row_or_rule"`},
		{"POST", "/problems/fix", `{"code":"duplicate_number","rule":"discard"}`, nil, 200, `"discarded":1`},
		{"PATCH", "", `{"text":"Hello {{name}}"}`, nil, 200, `"recipients":4`},
		{"DELETE", "/recipients", "", nil, 204, ""},
		{"GET", "/recipients", "", nil, 200, `"items":[]`},
	}
	for _, s := range steps {
		got := w.do(manager, s.method, path+s.path, s.body, s.header...)
		if got.status != s.status || !strings.Contains(got.body, s.want) {
			t.Errorf("%s %s %.60q: %d %s; want %d with %s", s.method, s.path, s.body, got.status, got.body, s.status, s.want)
		}
	}
}

// Pages of a list join without a gap, in its order.
func TestRecipientPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	manager := w.as(w.a, overture.CampaignManager)
	path := "/v1/campaigns/" + w.a.ids["campaign"]
	var file strings.Builder
	for i := range 25 {
		fmt.Fprintf(&file, "+1212555%04d\n", 130+i)
	}
	if got := w.do(manager, "POST", path+"/recipients/csv", file.String(), "Content-Type", "text/csv"); got.status != 201 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	seen, cursor := []string{}, ""
	for range 10 {
		var body struct {
			Items []struct {
				Address string `json:"address"`
			} `json:"items"`
			NextCursor string `json:"next_cursor"`
		}
		w.must(json.Unmarshal([]byte(w.do(manager, "GET", path+"/recipients?limit=7&cursor="+cursor, "").body), &body))
		for _, x := range body.Items {
			seen = append(seen, x.Address)
		}
		if cursor = body.NextCursor; cursor == "" {
			break
		}
	}
	if len(seen) != 26 || seen[1] != "+12125550130" || seen[25] != "+12125550154" {
		t.Errorf("saw %d: %v", len(seen), seen)
	}
}
