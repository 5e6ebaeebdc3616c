package lab_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overture-im/overture/internal/lab"
)

func TestServe(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- lab.Serve(ctx, "127.0.0.1:0", lab.Options{}, in) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	base, ok := strings.CutPrefix(strings.TrimSpace(line), "lab listens on ")
	if !ok {
		t.Fatalf("printed %q", line)
	}
	c := lab.NewClient(base)
	must(t, c.Health(t.Context()))
	// A held request does not keep the lab from ending.
	must(t, c.AddAccount(t.Context(), accountSID, token))
	must(t, c.SetNumber(t.Context(), lab.Number{Number: ours, AccountSID: accountSID}))
	must(t, c.SetProfile(t.Context(), "", lab.Profile{LatencyMS: 600_000}))
	held := make(chan error, 1)
	go func() {
		req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, base+messages,
			strings.NewReader(url.Values{"To": {person}, "From": {ours}, "Body": {"x"}}.Encode()))
		if err == nil {
			req.SetBasicAuth(accountSID, token)
			var resp *http.Response
			if resp, err = http.DefaultClient.Do(req); err == nil {
				resp.Body.Close()
			}
		}
		held <- err
	}()
	eventually(t, func() bool {
		s, err := c.Summary(t.Context())
		return err == nil && s.Pending.Requests == 1
	})
	c.Close()
	stop()
	must(t, <-ended)
	if <-held == nil {
		t.Error("the held request was answered")
	}
	if err := c.Health(t.Context()); err == nil {
		t.Error("the lab still answers")
	}
}

func TestServeRefuses(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	notALedger := filepath.Join(t.TempDir(), "x")
	must(t, os.WriteFile(notALedger, []byte("x\n"), 0o600))
	for _, tt := range []struct {
		addr string
		o    lab.Options
		want string
	}{
		{"0.0.0.0:0", lab.Options{}, "loopback"},
		{":0", lab.Options{}, "loopback"},
		{"192.0.2.1:80", lab.Options{}, "loopback"},
		{taken.Addr().String(), lab.Options{}, "port"},
		{"127.0.0.1:0", lab.Options{LedgerPath: notALedger}, "another"},
	} {
		if err := lab.Serve(t.Context(), tt.addr, tt.o, io.Discard); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.addr, err, tt.want)
		}
	}
}

func TestLedgerThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{LedgerPath: filepath.Join(t.TempDir(), "ledger.ndjson")})
	must(t, b.Lab.Close()) // from here on every write fails, as on a full disk
	if got := b.send(t, person); got.status != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503: what cannot be kept is not accepted", got.status)
	}
	if rows := b.ledger(t); len(rows) != 0 {
		t.Errorf("ledger %+v", rows)
	}
	if err := b.Client.Health(t.Context()); err == nil || !strings.Contains(err.Error(), "free space") {
		t.Errorf("health: %v", err)
	}
}

// TestNothingStaysBehind: goroutines return to where they were, with hung requests, pending events and failing webhooks under way.
// It is not parallel: it counts.
func TestNothingStaysBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("work", func(t *testing.T) {
		b := start(t, lab.Options{})
		b.product.answers(func(int, hit) int { return http.StatusServiceUnavailable })
		must(t, b.Client.SetProfile(t.Context(), "", lab.Profile{AcceptTimeout: 0.5, DeliveredAfterMS: 600_000}))
		b.write(t, person, ours, "hello")
		for range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			_, _ = b.do(ctx, http.MethodPost, messages, b.form(person))
			cancel()
		}
	})
	http.DefaultClient.CloseIdleConnections()
	eventually(t, func() bool {
		runtime.Gosched()
		return runtime.NumGoroutine() <= before
	})
}

// TestADayInABubble: a lab without sockets, on the bubble's clock: a receipt comes a day late, and a phone answers after eight hours.
func TestADayInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var calls []string
		began := time.Now()
		l, err := lab.New(lab.Options{Transport: transport(func(r *http.Request) int {
			_ = r.ParseForm()
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, time.Since(began).Round(time.Hour).String()+" "+r.PostForm.Get("MessageStatus")+r.PostForm.Get("Body"))
			return http.StatusOK
		})})
		must(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- l.Run(ctx) }()
		call := func(method, path, body string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
			r.SetBasicAuth(accountSID, token)
			w := httptest.NewRecorder()
			if l.Handler().ServeHTTP(w, r); w.Code >= 300 {
				t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
			}
			return w
		}
		call(http.MethodPost, "/lab/accounts", `{"sid":"`+accountSID+`","token":"`+token+`"}`)
		call(http.MethodPut, "/lab/numbers/"+ours, `{"account_sid":"`+accountSID+`","inbound_url":"http://127.0.0.1/inbound"}`)
		call(http.MethodPut, "/lab/profile", `{"receipt_late":1,"receipt_late_ms":86400000,"quiet_sending":true,"sent_after_ms":-1}`)
		call(http.MethodPut, "/lab/scripts", `{"rules":[{"number":"`+person+`","turns":[[{"text":"good morning","after_ms":28800000}]]}]}`)
		call(http.MethodPost, messages, url.Values{"To": {person}, "From": {ours}, "Body": {"x"}, "StatusCallback": {"http://127.0.0.1/status"}}.Encode())
		if got := call(http.MethodPost, "/lab/drain", `{"wait_ms":3600000}`).Body.String(); !strings.Contains(got, `"drained":false,"pending":{"status":0,"callbacks":2,"inbound":0,"replies":1,`) {
			t.Errorf("after an hour: %s", got)
		}
		time.Sleep(25 * time.Hour) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		mu.Lock()
		equal(t, "calls", calls, []string{"8h0m0s good morning", "24h0m0s sent", "24h0m0s delivered"})
		mu.Unlock()
		stop()
		must(t, <-ran)
	})
}

type transport func(*http.Request) int

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: f(r), Body: http.NoBody, Request: r}, nil
}

func TestClientSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	c := lab.NewClient("http://127.0.0.1:1")
	err := c.Health(t.Context())
	var op *net.OpError
	if !errors.As(err, &op) || !strings.Contains(err.Error(), "is it running") {
		t.Errorf("error %v", err)
	}
	for _, err := range c.Ledger(t.Context(), 0) {
		if err == nil {
			t.Error("an entry from nowhere")
		}
	}
}
