package twilio_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/egress"
	"github.com/overture-im/overture/internal/provider/providertest"
	"github.com/overture-im/overture/internal/provider/twilio"
)

const (
	account = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	token   = "s3cr3t-auth-token"
	from    = "+15005550006"
	// basic is the Authorization header of account and token.
	basic = "QUNhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYTpzM2NyM3QtYXV0aC10b2tlbg=="
)

func client(t testing.TB, timeout time.Duration) *twilio.Client {
	t.Helper()
	c := egress.New(egress.Options{AllowLoopback: true, Timeout: timeout})
	t.Cleanup(c.Close)
	return twilio.New(c)
}

func sender(baseURL string) overture.Sender {
	return overture.Sender{Provider: twilio.Provider, Channel: overture.SMS, Address: from, BaseURL: baseURL, AccountSID: account, AuthToken: token}
}

// senderOf applies what a transcript says about the sender.
func senderOf(baseURL string, call providertest.Call) overture.Sender {
	s := sender(baseURL)
	s.MessagingServiceSID = call["service"]
	if call["account"] != "" {
		s.AccountSID = call["account"]
	}
	if call["scheme"] == "https" {
		s.BaseURL = strings.Replace(baseURL, "http:", "https:", 1)
	}
	if call["base"] != "" {
		s.BaseURL = call["base"]
	}
	return s
}

var (
	shown   = []string{"Authorization", "Accept", "Content-Type", "User-Agent", "Idempotency-Key"}
	secrets = []string{basic, token}
)

func TestSendTranscripts(t *testing.T) {
	t.Parallel()
	patient, hasty := client(t, 30*time.Second), client(t, 200*time.Millisecond)
	providertest.Run(t, "testdata/transcripts/send-*.txtar", shown, secrets, func(t *testing.T, baseURL string, call providertest.Call) string {
		t.Helper()
		var validFor time.Duration
		if v := call["valid_for"]; v != "" {
			var err error
			if validFor, err = time.ParseDuration(v); err != nil {
				t.Fatal(err)
			}
		}
		c := patient
		if call["impatient"] != "" {
			c = hasty
		}
		accepted, err := c.Send(t.Context(), senderOf(baseURL, call), overture.Outgoing{
			MessageID: 9, Token: "tok_5", To: overture.Address(call["to"]), Body: call["body"], StatusCallback: call["callback"], ValidFor: validFor,
		})
		return providertest.Result(t, accepted, err, basic, token, call["to"], call["to"][1:], call["body"], "tok_5")
	})
}

func TestFindTranscripts(t *testing.T) {
	t.Parallel()
	c := client(t, 30*time.Second)
	providertest.Run(t, "testdata/transcripts/find-*.txtar", shown, secrets, func(t *testing.T, baseURL string, call providertest.Call) string {
		t.Helper()
		since, err := time.Parse(time.RFC3339, call["since"])
		if err != nil {
			t.Fatal(err)
		}
		found, err := c.Find(t.Context(), senderOf(baseURL, call), overture.Address(call["to"]), since)
		if err != nil {
			if len(found) > 0 {
				t.Errorf("%d rows beside an error: they would be taken for all", len(found))
			}
			return providertest.Result(t, overture.AcceptedSend{}, err, basic, token, call["to"], call["to"][1:])
		}
		lines := []string{fmt.Sprintf("found %d", len(found))}
		for _, f := range found {
			lines = append(lines, fmt.Sprintf("%s %s code=%d created=%s body=%q", f.ProviderID, f.State, f.Code, f.CreatedAt.Format(time.RFC3339), f.Body))
		}
		return strings.Join(lines, "\n")
	})
}

func TestListTranscripts(t *testing.T) {
	t.Parallel()
	c := twilio.New(longClient(t))
	providertest.Run(t, "testdata/transcripts/list-*.txtar", shown, secrets, func(t *testing.T, baseURL string, call providertest.Call) string {
		t.Helper()
		since, err := time.Parse(time.RFC3339, call["since"])
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		err = c.List(t.Context(), senderOf(baseURL, call), since, func(s overture.ListedSend) error {
			lines = append(lines, fmt.Sprintf("%s %s %s code=%d created=%s body=%q", s.To, s.ProviderID, s.State, s.Code, s.CreatedAt.Format(time.RFC3339), s.Body))
			return nil
		})
		if err != nil {
			return providertest.Result(t, overture.AcceptedSend{}, err, basic, token)
		}
		return strings.Join(append([]string{fmt.Sprintf("listed %d", len(lines))}, lines...), "\n")
	})
}

// A page of a thousand of the longest messages, each character escaped, is larger than any other answer that is read.
func TestALongPageIsRead(t *testing.T) {
	t.Parallel()
	const rows = 1000
	body := strings.Repeat(`\u20ac`, 1600)
	answer := []byte(`{"messages":[`)
	for i := range rows {
		if i > 0 {
			answer = append(answer, ',')
		}
		answer = fmt.Appendf(answer, `{"sid":"SM%032d","direction":"outbound-api","to":"+12125550123","body":"%s","status":"sent","date_created":"Fri, 20 Nov 2026 12:00:09 +0000"}`, i, body)
	}
	answer = append(answer, `],"next_page_uri":null}`...)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) }))
	defer web.Close()
	since := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	read := func(c *twilio.Client) (n int, err error) {
		err = c.List(t.Context(), sender(web.URL), since, func(s overture.ListedSend) error {
			if n++; len(s.Body) != 3*1600 {
				t.Errorf("a text of %d bytes", len(s.Body))
			}
			return nil
		})
		return n, err
	}
	if n, err := read(twilio.New(longClient(t))); err != nil || n != 2*rows {
		t.Errorf("%d rows of two scans, %v", n, err)
	}
	if _, err := read(client(t, 30*time.Second)); err == nil {
		t.Error("a page that was cut off passed for a whole one")
	}
	stop := errors.New("enough")
	if err := twilio.New(longClient(t)).List(t.Context(), sender(web.URL), since, func(overture.ListedSend) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v, want the error of who reads", err)
	}
}

func longClient(t testing.TB) *egress.Client {
	t.Helper()
	c := egress.New(egress.Options{AllowLoopback: true, Timeout: 30 * time.Second, MaxBody: twilio.LongestAnswer})
	t.Cleanup(c.Close)
	return c
}

func TestFetchTranscripts(t *testing.T) {
	t.Parallel()
	patient, hasty := client(t, 30*time.Second), client(t, 200*time.Millisecond)
	providertest.Run(t, "testdata/transcripts/fetch-*.txtar", shown, secrets, func(t *testing.T, baseURL string, call providertest.Call) string {
		t.Helper()
		c := patient
		if call["impatient"] != "" {
			c = hasty
		}
		r, found, err := c.Fetch(t.Context(), senderOf(baseURL, call), call["sid"])
		switch {
		case err != nil && found:
			return "FOUND AND AN ERROR"
		case err != nil:
			return providertest.Result(t, overture.AcceptedSend{}, err, basic, token, "+12125550123", "12125550123")
		case !found:
			return "gone"
		}
		return fmt.Sprintf("%s %s code=%d opt_out=%t account=%s", r.ProviderID, r.State, r.Code, r.OptOut, r.AccountRef)
	})
}
