package api_test

import (
	"strings"
	"testing"

	"github.com/overture-im/overture"
)

func TestPricesOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin, manager := w.as(w.a, overture.Administrator), w.as(w.a, overture.CampaignManager)
	if got := w.do(manager, "GET", "/v1/prices", ""); got.status != 200 || got.field(t, "version") != "0" || !strings.Contains(got.body, `"prices":[]`) {
		t.Errorf("without prices: %d %s", got.status, got.body)
	}
	body := `{"currency":"USD","prices":[{"channel":"sms","sender":"` + w.a.ids["sender"] + `","prefix":"1","micros":7900}]}`
	if got := w.do(admin, "PUT", "/v1/prices", body); got.status != 200 || got.field(t, "version") != "1" {
		t.Fatalf("set: %d %s", got.status, got.body)
	}
	got := w.do(manager, "GET", "/v1/prices", "")
	if !strings.Contains(got.body, `{"channel":"sms","sender":"`+w.a.ids["sender"]+`","prefix":"1","micros":7900}`) {
		t.Errorf("read back: %s", got.body)
	}
	if got := w.do(admin, "PUT", "/v1/prices", strings.TrimSuffix(body, "}")+`,"version":0}`); got.status != 409 {
		t.Errorf("over a newer version: %d %s", got.status, got.body)
	}
	if got := w.do(admin, "PUT", "/v1/prices", `{"currency":"USD","prices":[{"channel":"sms","prefix":"+1","micros":1}]}`); got.status != 422 || !strings.Contains(got.body, "prices[0].prefix") {
		t.Errorf("a wrong prefix: %d %s", got.status, got.body)
	}
	if n := w.count(`SELECT COUNT(*) FROM audit WHERE action = 'prices.changed' AND account_id = $1`, w.a.id); n != 1 {
		t.Errorf("%d audit entries, want 1", n)
	}
}
