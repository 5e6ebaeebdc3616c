package lab_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/lab/labtest"
)

const (
	accountSID = "AC0123456789abcdef0123456789abcdef"
	token      = "a-token-of-the-lab"
	ours       = "+12125550100"
	person     = "+447700900123"
)

// bench is a lab with one account, one number and a product that receives its webhooks.
type bench struct {
	*labtest.Server
	product *product
}

func start(t *testing.T, o lab.Options) *bench {
	t.Helper()
	b := &bench{Server: labtest.Start(t, o), product: newProduct(t)}
	b.registerAt(t)
	return b
}

func (b *bench) registerAt(t *testing.T) {
	t.Helper()
	must(t, b.Client.AddAccount(t.Context(), accountSID, token))
	must(t, b.Client.SetNumber(t.Context(), lab.Number{Number: ours, AccountSID: accountSID, InboundURL: b.product.URL + "/inbound"}))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// answer of the Twilio side.
type answer struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

func (a answer) code() int { n, _ := a.body["code"].(float64); return int(n) }
func (a answer) sid() string {
	s, _ := a.body["sid"].(string)
	return s
}

func (b *bench) do(ctx context.Context, method, path string, form url.Values) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, b.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	req.SetBasicAuth(accountSID, token)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // follows no redirect, as the adapters
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	a := answer{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	if err == nil {
		err = json.Unmarshal(raw, &a.body)
	}
	return a, err
}

const messages = "/2010-04-01/Accounts/" + accountSID + "/Messages.json"

// send creates a message; extra are pairs of form fields, which replace the usual ones.
func (b *bench) send(t *testing.T, to string, extra ...string) answer {
	t.Helper()
	a, err := b.do(t.Context(), http.MethodPost, messages, b.form(to, extra...))
	if err != nil {
		t.Fatalf("create: %v (%q)", err, a.raw)
	}
	return a
}

func (b *bench) form(to string, extra ...string) url.Values {
	v := url.Values{"To": {to}, "From": {ours}, "Body": {"Hello from the spring sale"}, "StatusCallback": {b.product.URL + "/status?m=msg_1&t=tok1"}}
	for i := 0; i < len(extra); i += 2 {
		if v.Set(extra[i], extra[i+1]); extra[i+1] == "" {
			v.Del(extra[i])
		}
	}
	return v
}

func (b *bench) drain(t *testing.T) {
	t.Helper()
	d, err := b.Client.Drain(t.Context(), 20*time.Second)
	must(t, err)
	if !d.Drained {
		t.Fatalf("still pending: %+v", d.Pending)
	}
}

func (b *bench) ledger(t *testing.T) []lab.Entry {
	t.Helper()
	var out []lab.Entry
	for e, err := range b.Client.Ledger(t.Context(), 0) {
		must(t, err)
		out = append(out, e)
	}
	return out
}

// hit is a webhook call the product got.
type hit struct {
	path   string
	query  url.Values
	form   url.Values
	signed bool
	header http.Header
}

// product receives webhooks and checks their signatures with its own code.
type product struct {
	*httptest.Server
	mu     sync.Mutex
	hits   []hit
	answer func(n int, h hit) int // status of the nth call
}

func newProduct(t *testing.T) *product {
	t.Helper()
	p := &product{answer: func(int, hit) int { return http.StatusNoContent }}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		h := hit{path: r.URL.Path, query: r.URL.Query(), form: r.PostForm, header: r.Header}
		h.signed = r.Header.Get("X-Twilio-Signature") == signature(token, p.URL+r.URL.RequestURI(), r.PostForm)
		p.mu.Lock()
		p.hits = append(p.hits, h)
		status := p.answer(len(p.hits), h)
		p.mu.Unlock()
		w.WriteHeader(status)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *product) all(path string) []hit {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []hit
	for _, h := range p.hits {
		if h.path == path {
			out = append(out, h)
		}
	}
	return out
}

func (p *product) statuses() []string {
	var out []string
	for _, h := range p.all("/status") {
		out = append(out, h.form.Get("MessageStatus"))
	}
	return out
}

func (p *product) answers(f func(n int, h hit) int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = f
}

func signature(token, target string, form url.Values) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		target += name + form[name][0]
	}
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(target))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s = %q, want %q", what, got, want)
	}
}

func newServer(t *testing.T, o lab.Options) *labtest.Server {
	t.Helper()
	return labtest.Start(t, o)
}
