package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/overture-im/overture"
)

type retentionAnswer struct {
	Version int `json:"version"`
	Classes []struct {
		Class       string `json:"class"`
		Days        int    `json:"days"`
		MinimumDays int    `json:"minimum_days"`
	} `json:"classes"`
	Holds []struct {
		Campaign     string `json:"campaign"`
		CampaignName string `json:"campaign_name"`
		Reason       string `json:"reason"`
	} `json:"holds"`
}

func TestRetention(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(w.a, overture.Administrator)
	call := func(method, path, body string, status int) (out retentionAnswer) {
		t.Helper()
		got := w.do(admin, method, path, body)
		if got.status != status {
			t.Fatalf("%s %s: %d %s", method, path, got.status, got.body)
		}
		if status == 200 {
			if err := json.Unmarshal([]byte(got.body), &out); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	first := call("GET", "/v1/retention", "", 200)
	if first.Version != 0 || len(first.Classes) != 4 || len(first.Holds) != 0 {
		t.Errorf("%+v", first)
	}
	for _, c := range first.Classes {
		if c.Days != 0 || c.MinimumDays == 0 {
			t.Errorf("%+v: everything is kept for ever until somebody chooses", c)
		}
	}
	put := func(messages, conversations, uploads, audit, version int) string {
		return fmt.Sprintf(`{"messages_days":%d,"conversations_days":%d,"uploads_days":%d,"audit_days":%d,"version":%d}`, messages, conversations, uploads, audit, version)
	}
	for field, body := range map[string]string{
		"body.messages_days": put(34, 0, 0, 0, 0), "body.conversations_days": put(0, 1, 0, 0, 0),
		"body.uploads_days": put(0, 0, 6, 0, 0), "body.audit_days": put(0, 0, 0, 365, 0),
	} {
		if got := w.do(admin, "PUT", "/v1/retention", body); got.status != 422 || !strings.Contains(got.body, `"location":"`+field+`"`) || !strings.Contains(got.body, "retention_period") {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	if got := call("PUT", "/v1/retention", put(90, 180, 30, 400, 0), 200); got.Version != 1 || got.Classes[0].Days != 90 || got.Classes[3].Days != 400 {
		t.Errorf("%+v", got)
	}
	if got := w.do(admin, "PUT", "/v1/retention", put(35, 0, 0, 0, 0)); got.status != 409 || !strings.Contains(got.body, "retention_changed") {
		t.Errorf("an old version: %d %s", got.status, got.body)
	}
	if got := w.do(admin, "GET", "/v1/retention/preview?messages_days=35&audit_days=0", ""); got.status != 200 || !strings.Contains(got.body, `"class":"messages","days":35`) ||
		!strings.Contains(got.body, `"class":"conversations","days":180`) || !strings.Contains(got.body, `"class":"audit","days":0`) {
		t.Errorf("preview: %d %s", got.status, got.body)
	}
	if got := w.do(admin, "GET", "/v1/retention/preview?messages_days=3", ""); got.status != 422 || !strings.Contains(got.body, `"location":"query.messages_days"`) {
		t.Errorf("preview of too short a period: %d %s", got.status, got.body)
	}
	if got := w.do(admin, "POST", "/v1/retention/hold", `{"reason":"  "}`); got.status != 422 || !strings.Contains(got.body, `"location":"body.reason"`) {
		t.Errorf("a hold without a reason: %d %s", got.status, got.body)
	}
	call("POST", "/v1/retention/hold", `{"reason":"court"}`, 200)
	both := call("POST", "/v1/retention/hold", `{"campaign":"`+w.a.ids["campaign"]+`","reason":"court 2"}`, 200)
	if len(both.Holds) != 2 || both.Holds[0].Campaign != "" || both.Holds[1].Campaign != w.a.ids["campaign"] || both.Holds[1].CampaignName == "" || both.Holds[1].Reason != "court 2" {
		t.Errorf("%+v", both)
	}
	if one := call("POST", "/v1/retention/release", `{}`, 200); len(one.Holds) != 1 || one.Holds[0].Campaign == "" {
		t.Errorf("%+v", one)
	}
	if got := w.do(admin, "POST", "/v1/retention/release", `{}`); got.status != 409 || !strings.Contains(got.body, "not_on_hold") {
		t.Errorf("a release without a hold: %d %s", got.status, got.body)
	}
	// What an account keeps is nobody else's business.
	if other := w.do(w.as(w.b, overture.Administrator), "GET", "/v1/retention", ""); !strings.Contains(other.body, `"version":0`) || !strings.Contains(other.body, `"holds":[]`) {
		t.Errorf("another account sees %s", other.body)
	}
}

// What asks for people that retention deleted is told so.
func TestPeopleWhoWereDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(w.a, overture.Administrator)
	for _, q := range []string{
		`UPDATE campaign SET state = 'completed', launched_at = 1, completed_at = 2, people_deleted_at = 86400000`,
		`DELETE FROM recipient`,
	} {
		if _, err := w.store.DB().Write.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	base := "/v1/campaigns/" + w.a.ids["campaign"]
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", base, "", 200, `"people_deleted_at":"1970-01-02T00:00:00Z"`},
		{"GET", base + "/recipients/" + w.a.ids["recipient"], "", 404, "deleted by retention on 1970-01-02"},
		{"GET", base + "/recipients.csv", "", 200, "deleted,deleted by retention on 1970-01-02"},
		{"GET", "/v1/campaigns.csv", "", 200, "1970-01-02T00:00:00Z"},
		{"POST", base + "/retry-failed", `{"all":true}`, 409, "people_deleted"},
		{"POST", base + "/duplicate", `{"with_recipients":true}`, 409, "people_deleted"},
	} {
		if got := w.do(admin, c.method, c.path, c.body); got.status != c.status || !strings.Contains(got.body, c.says) {
			t.Errorf("%s %s: %d, want %d with %q:\n%s", c.method, c.path, got.status, c.status, c.says, got.body)
		}
	}
}
