package api_test

import (
	"strings"
	"testing"

	"github.com/overture-im/overture"
)

func TestForecastOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	manager, admin := w.as(w.a, overture.CampaignManager), w.as(w.a, overture.Administrator)
	made := w.do(manager, "POST", "/v1/campaigns", `{"name":"n","sender":"`+w.a.ids["sender"]+`","skill":"`+w.a.ids["skill"]+`","text":"hello","rate":2,"window":{"mon":["00:00","24:00"],"tue":["00:00","24:00"],"wed":["00:00","24:00"],"thu":["00:00","24:00"],"fri":["00:00","24:00"],"sat":["00:00","24:00"],"sun":["00:00","24:00"]}}`)
	if made.status != 201 {
		t.Fatalf("%d %s", made.status, made.body)
	}
	path := "/v1/campaigns/" + made.field(t, "id")
	if got := w.do(manager, "POST", path+"/forecast", ""); got.status != 422 || got.field(t, "code") != "no_recipients" {
		t.Errorf("without a list: %d %s", got.status, got.body)
	}
	if got := w.do(manager, "POST", path+"/recipients/typed", `{"lines":"+12125550130\n+12125550131\n+13105550132"}`); got.status >= 300 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := w.do(admin, "PUT", "/v1/prices", `{"currency":"USD","prices":[{"channel":"sms","prefix":"1212","micros":7900}]}`); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	got := w.do(manager, "POST", path+"/forecast", "")
	for _, want := range []string{
		`"recipients":3`, `"sent":3`, `"segments":3`, `"cost_micros":15800`, `"unpriced_segments":1`, `"currency":"USD"`, `"bound":"nothing"`, `"rate":2`,
		`"zones":["America/New_York"]`, `"zones":["America/Los_Angeles"]`, `"local":"20`, `"hours":[{"start":"`, `"held":0`, `"faster":[]`, `"others":[]`, `"tzdata":"`,
	} {
		if got.status != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%d %s: want %s in it", got.status, got.body, want)
		}
	}
	if got := w.do(manager, "POST", path+"/forecast", `{"rate":7,"launch_at":"2036-11-20T17:00:00Z"}`); got.field(t, "rate") != "7" || got.field(t, "start_at") != "2036-11-20T17:00:00Z" {
		t.Errorf("with wishes: %s", got.body)
	}
	if got := w.do(manager, "POST", path+"/forecast", `{"rate":0}`); got.status != 422 {
		t.Errorf("no rate at all: %d %s", got.status, got.body)
	}
	if got := w.do(manager, "GET", path+"/forecast", ""); got.status != 409 || got.field(t, "code") != "campaign_not_launched" {
		t.Errorf("comparison of a draft: %d %s", got.status, got.body)
	}
	if got := w.do(manager, "POST", path+"/launch", `{"consent":true}`); got.status != 200 {
		t.Fatalf("launch: %d %s", got.status, got.body)
	}
	if got := w.do(manager, "GET", path+"/forecast", ""); got.status != 409 || got.field(t, "code") != "forecast_pending" {
		t.Errorf("before it is made: %d %s", got.status, got.body)
	}
	// Prices change after the launch: the campaign keeps its own.
	if got := w.do(admin, "PUT", "/v1/prices", `{"currency":"EUR","prices":[]}`); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := w.do(manager, "POST", path+"/forecast", ""); !strings.Contains(got.body, `"currency":"USD","price_version":1`) || got.field(t, "cost_micros") != "15800" {
		t.Errorf("of a launched campaign: %d %s", got.status, got.body)
	}
	pending, err := w.store.PendingForecasts(t.Context(), "", 10)
	w.must(err)
	if len(pending) != 1 {
		t.Fatalf("%d launches wait for their forecast", len(pending))
	}
	w.must(w.forecasts().Keep(t.Context(), pending[0]))
	got = w.do(manager, "GET", path+"/forecast", "")
	for _, want := range []string{`"state":"running"`, `"forecast":{"`, `"actual":{"`, `"waiting":3`, `"over":false`} {
		if got.status != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%d %s: want %s in it", got.status, got.body, want)
		}
	}
	if got := w.do(manager, "GET", path+"/progress", ""); !strings.Contains(got.body, `"forecast_finish_at":"`) {
		t.Errorf("progress: %s", got.body)
	}
	if got := w.do(w.as(w.a, overture.AgentRole), "POST", path+"/forecast", ""); got.status != 403 {
		t.Errorf("an agent: %d", got.status)
	}
}
