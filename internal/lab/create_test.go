package lab_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/overture-im/overture/internal/lab"
)

func TestCreateAnswersAsTwilioDoes(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	const text = "Ünïcode “quotes” \"plain\" \\ back\nline 👍 & 100%+"
	got := b.send(t, person, "Body", text)
	if got.status != http.StatusCreated {
		t.Fatalf("status %d: %s", got.status, got.raw)
	}
	if !regexp.MustCompile(`^SM[0-9a-f]{32}$`).MatchString(got.sid()) {
		t.Errorf("sid = %q", got.sid())
	}
	want := map[string]any{
		"account_sid": accountSID, "api_version": "2010-04-01", "status": "queued", "direction": "outbound-api", "from": ours, "to": person,
		"messaging_service_sid": nil, "body": text, "num_segments": "1", "num_media": "0", "error_code": nil, "error_message": nil,
		"price": nil, "price_unit": nil, "date_sent": nil, "uri": "/2010-04-01/Accounts/" + accountSID + "/Messages/" + got.sid() + ".json",
	}
	for field, value := range want {
		if got.body[field] != value {
			t.Errorf("%s = %#v, want %#v", field, got.body[field], value)
		}
	}
	if date, _ := got.body["date_created"].(string); !regexp.MustCompile(`^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$`).MatchString(date) {
		t.Errorf("date_created = %q", date)
	}
	if got.header.Get("Twilio-Concurrent-Requests") != "1" {
		t.Errorf("Twilio-Concurrent-Requests = %q", got.header.Get("Twilio-Concurrent-Requests"))
	}
	b.drain(t)
	fetched, err := b.do(t.Context(), http.MethodGet, strings.TrimSuffix(messages, ".json")+"/"+got.sid()+".json", nil)
	must(t, err)
	if fetched.body["status"] != "delivered" || fetched.body["body"] != text || fetched.body["date_sent"] == nil {
		t.Errorf("fetched: %s", fetched.raw)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	tests := []struct {
		name   string
		to     string
		form   []string
		status int
		code   int
	}{
		{"no To", "", nil, 400, 21604},
		{"To without plus", "447700900123", nil, 400, 21211},
		{"To with letters", "+44770090O123", nil, 400, 21211},
		{"NANP To with nine digits", "+1212555012", nil, 400, 21211},
		{"To too long", "+4477009001234567", nil, 400, 21211},
		{"magic: invalid", "+15005550001", nil, 400, 21211},
		{"magic: not routable", "+15005550002", nil, 400, 21612},
		{"magic: region", "+15005550003", nil, 400, 21408},
		{"magic: opted out", "+15005550004", nil, 400, 21610},
		{"magic: landline", "+15005550009", nil, 400, 21614},
		{"magic: invalid From", person, []string{"From", "+15005550001"}, 400, 21212},
		{"magic: From of others", person, []string{"From", "+15005550007"}, 400, 21606},
		{"magic: From full", person, []string{"From", "+15005550008"}, 400, 21611},
		{"magic: good From", person, []string{"From", "+15005550006"}, 201, 0},
		{"From not registered", person, []string{"From", "+12125550199"}, 400, 21606},
		{"no From", person, []string{"From", ""}, 400, 21603},
		{"unknown service", person, []string{"From", "", "MessagingServiceSid", "MG0123456789abcdef0123456789abcdef"}, 400, 21701},
		{"no Body", person, []string{"Body", ""}, 400, 21602},
		{"Body of 1600 characters", person, []string{"Body", strings.Repeat("é", 1600)}, 201, 0},
		{"Body of 1601 characters", person, []string{"Body", strings.Repeat("é", 1601)}, 400, 21617},
		{"relative callback", person, []string{"StatusCallback", "/status"}, 400, 21609},
		{"callback of another scheme", person, []string{"StatusCallback", "ftp://127.0.0.1/x"}, 400, 21609},
		{"callback outside loopback", person, []string{"StatusCallback", "https://hooks.example.test/x"}, 400, 21609},
		{"callback on a private address", person, []string{"StatusCallback", "http://10.0.0.1/x"}, 400, 21609},
		{"callback that looks like loopback", person, []string{"StatusCallback", "http://127.0.0.1.example.test/x"}, 400, 21609},
		{"callback with underscore", person, []string{"StatusCallback", "http://my_host.localhost/x"}, 400, 21609},
		{"bad ValidityPeriod", person, []string{"ValidityPeriod", "36001"}, 400, 21624},
		{"good ValidityPeriod", person, []string{"ValidityPeriod", "36000"}, 201, 0},
	}
	accepted := 0
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := b.send(t, tt.to, tt.form...)
			if got.status != tt.status || got.code() != tt.code {
				t.Errorf("status %d code %d, want %d and %d: %s", got.status, got.code(), tt.status, tt.code, got.raw)
			}
			if tt.code != 0 && (got.body["message"] == "" || got.body["more_info"] == nil || got.body["status"] != float64(tt.status)) {
				t.Errorf("error body: %s", got.raw)
			}
		})
		if tt.status == http.StatusCreated {
			accepted++
		}
	}
	if got := len(b.ledger(t)); got != accepted {
		t.Errorf("the ledger has %d entries, want the %d accepted", got, accepted)
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	for _, tt := range []struct{ name, user, password, account string }{
		{"wrong token", accountSID, "wrong", accountSID},
		{"unknown account", "ACffffffffffffffffffffffffffffffff", token, "ACffffffffffffffffffffffffffffffff"},
		{"account of another path", accountSID, token, "ACffffffffffffffffffffffffffffffff"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, method := range []string{http.MethodPost, http.MethodGet} {
				req, err := http.NewRequestWithContext(t.Context(), method, b.URL+"/2010-04-01/Accounts/"+tt.account+"/Messages.json", strings.NewReader(b.form(person).Encode()))
				must(t, err)
				req.SetBasicAuth(tt.user, tt.password)
				resp, err := http.DefaultClient.Do(req)
				must(t, err)
				resp.Body.Close()
				if resp.StatusCode != http.StatusUnauthorized {
					t.Errorf("%s: status %d, want 401", method, resp.StatusCode)
				}
			}
		})
	}
	if n := len(b.ledger(t)); n != 0 {
		t.Errorf("%d messages were accepted", n)
	}
}

func TestOpenLabTakesAnyAccountAndNumber(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{Open: true})
	must(t, b.Client.Reset(t.Context(), true))
	if got := b.send(t, person, "From", "+12125550155"); got.status != http.StatusCreated {
		t.Fatalf("status %d: %s", got.status, got.raw)
	}
	b.drain(t)
	for _, h := range b.product.all("/status") {
		if !h.signed {
			t.Errorf("callback %s is not signed with the token seen first", h.form.Get("MessageStatus"))
		}
	}
}

func TestRateGives429(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	must(t, b.Client.SetNumber(t.Context(), lab.Number{Number: ours, AccountSID: accountSID, Rate: 0.001, Burst: 2}))
	for i, want := range []int{201, 201, 429} {
		got := b.send(t, person)
		if got.status != want {
			t.Fatalf("create %d: status %d, want %d", i+1, got.status, want)
		}
		if want == 429 && (got.code() != 20429 || got.header.Get("Retry-After") != "1") {
			t.Errorf("code %d, Retry-After %q", got.code(), got.header.Get("Retry-After"))
		}
	}
	if got := b.send(t, person, "Body", strings.Repeat("x", 200)); got.status != 429 {
		t.Errorf("two segments passed an empty bucket: %d", got.status)
	}
	s, err := b.Client.Summary(t.Context())
	must(t, err)
	if s.Accepted != 2 || s.Throttled != 2 || s.Refused != 0 {
		t.Errorf("accepted %d, throttled %d, refused %d; want 2, 2, 0", s.Accepted, s.Throttled, s.Refused)
	}
}

func TestMessagingServicePicksASender(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	const service = "MG0123456789abcdef0123456789abcdef"
	for _, number := range []string{"+12125550101", "+12125550102"} {
		must(t, b.Client.SetNumber(t.Context(), lab.Number{Number: number, AccountSID: accountSID, ServiceSID: service, InboundURL: b.product.URL + "/inbound"}))
	}
	got := b.send(t, person, "From", "", "MessagingServiceSid", service)
	if got.status != 201 || got.body["status"] != "accepted" || got.body["from"] != nil || got.body["num_segments"] != "0" || got.body["messaging_service_sid"] != service {
		t.Fatalf("answer: %s", got.raw)
	}
	b.drain(t)
	first := b.ledger(t)[0]
	if first.From != "+12125550101" && first.From != "+12125550102" || first.Status != "delivered" {
		t.Fatalf("entry: %+v", first)
	}
	// The service keeps one opt-out list for all its numbers.
	_, err := b.Client.Write(t.Context(), person, first.From, "stop")
	must(t, err)
	for _, form := range [][]string{{"From", "", "MessagingServiceSid", service}, {"From", "+12125550101"}, {"From", "+12125550102"}} {
		if got := b.send(t, person, form...); got.code() != 21610 {
			t.Errorf("%v: code %d, want 21610", form, got.code())
		}
	}
	if got := b.send(t, person); got.status != 201 {
		t.Errorf("a number outside the service: %s", got.raw)
	}
}
