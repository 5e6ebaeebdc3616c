package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
)

func TestPolicyThroughTheDoor(t *testing.T) {
	w := newWorld(t)
	admin := w.as(w.a, overture.Administrator)
	packs := w.do(admin, "GET", "/v1/policy/packs", "")
	for _, part := range []string{`"id":"US-FL"`, `"confidence":"high"`, "Fla. Stat. 501.059", "Thanksgiving Day", `"gap":`} {
		if packs.status != http.StatusOK || !strings.Contains(packs.body, part) {
			t.Fatalf("%d, without %s: %.300s", packs.status, part, packs.body)
		}
	}
	if got := w.do(admin, "GET", "/v1/policy", ""); got.status != http.StatusOK || strings.Contains(got.body, "us-states") {
		t.Errorf("before: %d %s", got.status, got.body)
	}

	// Alabama has no Sunday and no holidays; the launch is on a Sunday morning.
	sunday := time.Now().AddDate(0, 1, 0).UTC().Truncate(24 * time.Hour).Add(16 * time.Hour)
	for sunday.Weekday() != time.Sunday {
		sunday = sunday.AddDate(0, 0, 1)
	}
	w.exec(`UPDATE campaign SET launch_at = $1 WHERE id = (SELECT campaign_id FROM recipient WHERE address = '+12125550123' AND account_id = $2)`, sunday.UnixMilli(), w.a.id)
	w.exec(`UPDATE recipient SET address = '+12055550123', zones = 'America/Chicago' WHERE account_id = $1`, w.a.id)
	body := func(extra string) string {
		return strings.ReplaceAll(`{"campaign":"{campaign}","policy":{"packs":[{"name":"us-states"}]`, "{campaign}", w.a.ids["campaign"]) + extra + "}}"
	}
	var sim struct {
		Total struct {
			Recipients, Shifted, Blocked, Capped int
			Until                                time.Time
		}
		Start  time.Time
		Policy struct {
			Packs []struct{ Name, Version string }
		}
		Rules []struct {
			Rule, Area, Cite string
			Effect           struct{ Recipients, Shifted, Capped int }
		}
		Gaps []string
	}
	got := w.do(admin, "POST", "/v1/policy/simulate", body(""))
	if err := json.Unmarshal([]byte(got.body), &sim); err != nil || got.status != http.StatusOK {
		t.Fatalf("%d %s %v", got.status, got.body, err)
	}
	if sim.Total.Recipients != 1 || sim.Total.Shifted != 1 || sim.Total.Blocked != 0 || !sim.Start.Equal(sunday) || !sim.Total.Until.After(sunday.Add(12*time.Hour)) ||
		len(sim.Rules) != 1 || sim.Rules[0].Rule != "us-states/2026.11/US-AL" || sim.Rules[0].Effect.Shifted != 1 || sim.Rules[0].Cite == "" ||
		sim.Policy.Packs[0].Version != "2026.11" || len(sim.Gaps) != 1 {
		t.Errorf("simulation: %s", got.body)
	}
	if got := w.do(admin, "POST", "/v1/policy/simulate", body(`,"min_confidence":"high"`)); !strings.Contains(got.body, `"shifted":0`) || !strings.Contains(got.body, "US-default") {
		t.Errorf("with high confidence only: %s", got.body)
	}
	if got := w.do(admin, "GET", "/v1/policy", ""); strings.Contains(got.body, "us-states") {
		t.Error("a simulation activated the policy")
	}
	// Where the rules are open at the start they change nothing; what they would do at another hour is asked with that hour.
	open, err := json.Marshal(overture.AlwaysOpen())
	w.must(err)
	w.exec(`UPDATE campaign SET send_window = $1 WHERE account_id = $2`, string(open), w.a.id)
	countries := func(at string) answer {
		return w.do(admin, "POST", "/v1/policy/simulate", fmt.Sprintf(`{"campaign":%q,"policy":{"packs":[{"name":"countries"}]},"launch_at":%q}`, w.a.ids["campaign"], at))
	}
	for wait, shifted := range map[time.Duration]int{2 * time.Hour: 0, 16 * time.Hour: 1} { // midday and the middle of the night in Alabama
		at := sunday.Add(wait).Format(time.RFC3339)
		if got := countries(at); got.status != http.StatusOK || !strings.Contains(got.body, fmt.Sprintf(`"shifted":%d`, shifted)) || !strings.Contains(got.body, `"start":"`+at) {
			t.Errorf("from %s on: %d %s, want %d shifted", at, got.status, got.body, shifted)
		}
	}
	w.want(422, countries("soon"))

	for _, wrong := range []string{`{"packs":[{"name":"moon"}]}`, `{"packs":[],"cap":{"max":1,"hours":1000}}`, `{"packs":[{"name":"countries"},{"name":"countries"}]}`, `{"packs":[],"min_confidence":"sure"}`} {
		if got := w.do(admin, "PUT", "/v1/policy", wrong); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", wrong, got.status, got.body)
		}
	}
	got = w.do(admin, "PUT", "/v1/policy", `{"packs":[{"name":"us-states"}],"cap":{"max":3,"hours":24},"over_cap":"hold"}`)
	if got.status != http.StatusOK || !strings.Contains(got.body, `"version":"2026.11"`) || !strings.Contains(got.body, `"hours":24`) || !strings.Contains(got.body, `"hold"`) {
		t.Errorf("activate: %d %s", got.status, got.body)
	}
	if again := w.do(admin, "GET", "/v1/policy", ""); again.body != got.body {
		t.Errorf("it is %s, not %s", again.body, got.body)
	}
	if audit := w.do(admin, "GET", "/v1/audit", ""); !strings.Contains(audit.body, "policy: us-states/2026.11, at most 3 in 24 hours, over a cap: hold (was: none)") {
		t.Errorf("audit: %s", audit.body)
	}
	if other := w.do(w.as(w.b, overture.Administrator), "GET", "/v1/policy", ""); strings.Contains(other.body, "us-states") {
		t.Error("the other account has it too")
	}
	if got := w.do(admin, "PUT", "/v1/policy", `{"packs":[]}`); got.status != http.StatusOK || strings.Contains(got.body, "us-states") {
		t.Errorf("back to none: %d %s", got.status, got.body)
	}
}
