package twilio_test

import (
	"fmt"
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
