package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/client"
)

// server answers with the handlers in turn, the last one again and again, and keeps what came in.
func server(t *testing.T, answers ...http.HandlerFunc) (*client.Client, *[]http.Header) {
	t.Helper()
	var seen []http.Header
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header)
		answers[min(len(seen), len(answers))-1](w, r)
	}))
	t.Cleanup(s.Close)
	c, err := client.New(client.Options{URL: s.URL, APIKey: "ovk_secret"})
	if err != nil {
		t.Fatal(err)
	}
	return c, &seen
}

func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestLostAnswerIsAskedForAgainWithTheSameKey(t *testing.T) {
	hangUp := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}
	c, seen := server(t, hangUp, answer(503, `{"detail":"busy"}`, "Retry-After", "0"), answer(201, `{"id":"cmp_1","state":"draft"}`))
	campaign, err := c.CreateCampaign(t.Context(), client.Draft{Name: "spring"}, "")
	if err != nil || campaign.ID != "cmp_1" {
		t.Fatalf("got %+v, %v", campaign, err)
	}
	if len(*seen) < 3 {
		t.Fatalf("the server saw %d requests, want at least 3", len(*seen))
	}
	key := (*seen)[0].Get("Idempotency-Key")
	for i, h := range *seen {
		if h.Get("Idempotency-Key") != key || key == "" {
			t.Errorf("request %d has the key %q, want %q: another key may act twice", i, h.Get("Idempotency-Key"), key)
		}
		if h.Get("Authorization") != "Bearer ovk_secret" {
			t.Errorf("request %d has no API key", i)
		}
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	c, seen := server(t, answer(429, `{"code":"too_many","detail":"slow down"}`, "Retry-After", "1"), answer(200, `{"state":"running"}`))
	began := time.Now()
	if _, err := c.Progress(t.Context(), "cmp_1"); err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(began); waited < time.Second || len(*seen) != 2 {
		t.Errorf("waited %v over %d requests, want at least the second the server named and 2 requests", waited, len(*seen))
	}
}

func TestProblemBecomesAnErrorWithTheServersWords(t *testing.T) {
	c, seen := server(t, answer(422, `{"title":"Unprocessable","code":"invalid","detail":"errors says where","errors":[{"location":"body.sender","message":"there is no such sender"}]}`,
		"Content-Type", "application/problem+json", "X-Request-Id", "req-7"))
	_, err := c.CreateCampaign(t.Context(), client.Draft{}, "")
	var e *overture.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *overture.Error", err)
	}
	if e.Kind != overture.Invalid || e.Code != "invalid" || e.Message != "errors says where" || len(e.Fields) != 1 || e.Fields[0].Location != "body.sender" {
		t.Errorf("got %+v", e)
	}
	if !strings.Contains(err.Error(), "req-7") {
		t.Errorf("%q does not name the request", err)
	}
	if len(*seen) != 1 {
		t.Errorf("a refusal was tried %d times", len(*seen))
	}
}

func TestAnswerThatIsNoProblemStillHasWords(t *testing.T) {
	c, _ := server(t, answer(500, "<html>oops</html>"))
	_, err := c.Campaign(t.Context(), "cmp_1")
	if overture.KindOf(err) != overture.Internal || !strings.Contains(err.Error(), "500") {
		t.Errorf("got %v", err)
	}
}

func TestUploadIsReadFromItsBeginningOnEveryTry(t *testing.T) {
	var bodies []string
	read := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			raw, _ := io.ReadAll(r.Body)
			bodies = append(bodies, string(raw))
			answer(status, body, "Retry-After", "0")(w, r)
		}
	}
	c, _ := server(t, read(503, `{}`), read(201, `{"id":"imp_1","valid":2}`))
	var sent int64
	i, err := c.Upload(t.Context(), "cmp_1", strings.NewReader("phone\n+12125550123\n"), "people.csv", nil, func(n int64) { sent = n })
	if err != nil || i.Valid != 2 {
		t.Fatalf("got %+v, %v", i, err)
	}
	if len(bodies) != 2 || bodies[0] != bodies[1] || sent != int64(len(bodies[1])) {
		t.Errorf("bodies %q, sent %d: a second try must send the whole file", bodies, sent)
	}
}

func TestServerThatIsNotThere(t *testing.T) {
	c, err := client.New(client.Options{URL: "http://127.0.0.1:1", APIKey: "ovk_x", Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Me(t.Context())
	if overture.KindOf(err) != overture.Unavailable || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("got %v, want words that name the address", err)
	}
	if _, err := client.New(client.Options{URL: "localhost"}); overture.KindOf(err) != overture.Invalid {
		t.Errorf("an address without http://: got %v, want Invalid", err)
	}
}

func TestListFollowsTheCursorUpToTheLimit(t *testing.T) {
	var asked []string
	c, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RawQuery)
		if r.URL.Query().Get("cursor") == "" {
			answer(200, `{"items":[{"id":"cmp_3"},{"id":"cmp_2"}],"next_cursor":"abc"}`)(w, r)
			return
		}
		answer(200, `{"items":[{"id":"cmp_1"}],"next_cursor":"def"}`)(w, r)
	})
	all, err := c.Campaigns(t.Context(), 3)
	if err != nil || len(all) != 3 {
		t.Fatalf("got %v, %v, want 3 campaigns", all, err)
	}
	if len(asked) != 2 || !strings.Contains(asked[1], "cursor=abc") || !strings.Contains(asked[1], "limit=1") {
		t.Errorf("asked %q", asked)
	}
}

func TestWatchEndsWithTheCampaign(t *testing.T) {
	c, seen := server(t, answer(200, `{"state":"running","recipients":2,"counts":{"queued":1}}`), answer(200, `{"state":"completed","recipients":2,"accepted":2}`))
	shown := 0
	p, err := c.Watch(t.Context(), "cmp_1", time.Millisecond, func(client.Progress) { shown++ }, nil)
	if err != nil || p.State != "completed" || shown != 2 || len(*seen) != 2 {
		t.Errorf("got %+v, %v after %d shows", p, err, shown)
	}
	ctx, cancel := context.WithCancel(t.Context())
	c, _ = server(t, answer(200, `{"state":"running"}`))
	if _, err := c.Watch(ctx, "cmp_1", time.Hour, func(client.Progress) { cancel() }, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a watch that was left: %v", err)
	}
}

func TestWordsOfProgress(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	at := func(hours int) *time.Time { x := now.Add(time.Duration(hours) * time.Hour); return &x }
	for _, c := range []struct {
		name string
		p    client.Progress
		want string
	}{
		{
			"on its way",
			client.Progress{State: "running", Recipients: 100, Accepted: 40, Delivered: 38, Waiting: 60, Counts: map[string]int{"queued": 58, "attempting": 2}, ActualRate: 10, FinishAt: at(1)},
			"40 of 100 sent · 38 delivered · 2 under way · 58 queued · 10/s · done about 13:00:00",
		},
		{
			"waits for the morning",
			client.Progress{State: "running", Recipients: 9, Accepted: 4, Waiting: 5, WaitingForWindow: 5, NextDueAt: at(20), Counts: map[string]int{"queued": 5}},
			"4 of 9 sent · 5 wait for their time (next Tue 3 Mar 08:00)",
		},
		{
			"the server says why",
			client.Progress{State: "running", Recipients: 9, Accepted: 4, Waiting: 5, WaitingForWindow: 5, StalledReason: "5 recipients wait for 08:00 in their zone", Counts: map[string]int{"queued": 5}},
			"4 of 9 sent · 5 recipients wait for 08:00 in their zone",
		},
		{"paused", client.Progress{State: "paused", Reason: "by hand", Recipients: 9, Waiting: 9, Counts: map[string]int{"queued": 9}}, "0 of 9 sent · 9 queued · paused: by hand"},
		{"nothing moves", client.Progress{State: "running", Recipients: 1, Waiting: 1, StalledReason: "the sender is stopped", Counts: map[string]int{"queued": 1}}, "0 of 1 sent · 1 queued · the sender is stopped"},
	} {
		if got := c.p.Words(now); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	p := client.Progress{Recipients: 10, Counts: map[string]int{"queued": 4, "unknown": 1, "delivered": 5}}
	if got := p.Done(); got != 0.5 {
		t.Errorf("done is %v, want 0.5", got)
	}
}
