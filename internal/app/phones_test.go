package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture/internal/app"
	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/lab/labtest"
)

// call asks a running server with an API key and gives status and body.
func call(t *testing.T, a *app.App, key, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, a.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(bytes.TrimSpace(raw))
}

// A new account makes a sender at the lab in one call; the person with a phone writes, and only the account that owns the sender sees it.
func TestVirtualPhones(t *testing.T) {
	carrier := labtest.Start(t, lab.Options{Seed: 1})
	o := options(t)
	o.Lab, o.LabURL = true, carrier.URL
	ours, err := app.CreateAccount(t.Context(), o, app.NewAccount{Name: "Acme", Email: "admin@acme.example", Password: "correct horse battery", WithAPIKey: true})
	if err != nil {
		t.Fatal(err)
	}
	others, err := app.CreateAccount(t.Context(), o, app.NewAccount{Name: "Other", Email: "admin@other.example", Password: "correct horse battery", WithAPIKey: true})
	if err != nil {
		t.Fatal(err)
	}
	a := begin(t, o)
	defer func() { _ = a.Stop(t.Context()) }()
	key := ours.APIKey.Reveal()

	status, body := call(t, a, key, "POST", "/v1/lab/sender", `{}`)
	var sender struct{ ID, Address string }
	if status != 201 || json.Unmarshal([]byte(body), &sender) != nil || sender.ID == "" {
		t.Fatalf("a sender at the lab: %d %s", status, body)
	}
	phone := "/v1/lab/phones/" + url.PathEscape("+12125550123")
	if status, body := call(t, a, key, "POST", phone+"/messages", `{"sender":"`+sender.ID+`","text":"Is it open today?"}`); status != 204 {
		t.Fatalf("the person writes: %d %s", status, body)
	}
	if status, body := call(t, a, key, "GET", phone+"?sender="+sender.ID, ""); status != 200 || !strings.Contains(body, `"by":"person"`) || !strings.Contains(body, "open today") {
		t.Errorf("the phone: %d %s", status, body)
	}
	// It arrives as an ordinary inbound message, through the webhook.
	deadline := time.Now().Add(10 * time.Second)
	for {
		_, body := call(t, a, key, "GET", "/v1/conversations", "")
		if strings.Contains(body, "+12125550123") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no conversation from the phone's message: %s", body)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if status, body := call(t, a, key, "POST", phone+"/messages", `{"sender":"`+sender.ID+`","text":"STOP"}`); status != 204 {
		t.Fatalf("the person stops: %d %s", status, body)
	}
	if _, body := call(t, a, key, "GET", phone+"?sender="+sender.ID, ""); !strings.Contains(body, `"stopped":true`) || !strings.Contains(body, `"by":"carrier"`) {
		t.Errorf("after STOP the carrier takes nothing more and says so: %s", body)
	}
	knobs := `{"delay_ms":30,"delivery_ms":500,"undelivered_percent":25,"refused_percent":0,"doubt_percent":5,"lost_percent":10}`
	if status, body := call(t, a, key, "PUT", "/v1/lab/carrier?sender="+sender.ID, knobs); status != 200 {
		t.Fatalf("knobs: %d %s", status, body)
	}
	if _, body := call(t, a, key, "GET", "/v1/lab/carrier?sender="+sender.ID, ""); body != knobs {
		t.Errorf("knobs read back: %s, want %s", body, knobs)
	}
	if status, body := call(t, a, others.APIKey.Reveal(), "GET", phone+"?sender="+sender.ID, ""); status != 404 {
		t.Errorf("another account looks at the phone through our sender: %d %s", status, body)
	}
}

func TestNoPhonesWithoutTheLab(t *testing.T) {
	o := options(t)
	made, err := app.CreateAccount(t.Context(), o, app.NewAccount{Name: "Acme", Email: "admin@acme.example", Password: "correct horse battery", WithAPIKey: true})
	if err != nil {
		t.Fatal(err)
	}
	a := begin(t, o)
	defer func() { _ = a.Stop(t.Context()) }()
	for _, c := range [][3]string{
		{"POST", "/v1/lab/sender", `{}`},
		{"GET", "/v1/lab/phones/+12125550123?sender=snd_1", ""},
	} {
		if status, body := call(t, a, made.APIKey.Reveal(), c[0], c[1], c[2]); status != 404 || !strings.Contains(body, "no_lab") {
			t.Errorf("%s %s: %d %s, want 404 no_lab", c[0], c[1], status, body)
		}
	}
}
