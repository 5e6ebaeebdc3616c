package realtime_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/serve/realtime"
)

// house is the door over real HTTP, with sessions and things that the test changes.
type house struct {
	t        *testing.T
	url      string
	stop     func()
	inbound  chan struct{}
	ended    chan struct{}
	mu       sync.Mutex
	sessions map[string]access.Identity
	marks    map[overture.AccountID]overture.Marks
	n        uint64
}

func (h *house) Session(ctx context.Context, token string) (access.Identity, error) {
	return h.Watch(ctx, token)
}

func (h *house) Watch(_ context.Context, token string) (access.Identity, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	who, known := h.sessions[token]
	if !known {
		return who, &overture.Error{Kind: overture.Unauthorized, Code: "not_signed_in"}
	}
	return who, nil
}

func (h *house) look(_ context.Context, account overture.AccountID, _ time.Time) (overture.Marks, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := overture.Marks{}
	for thing, mark := range h.marks[account] {
		out[thing] = mark
	}
	return out, nil
}

// change makes a thing of an account differ from the last look.
func (h *house) change(account overture.AccountID, topic overture.Topic, id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.marks[account] == nil {
		h.marks[account] = overture.Marks{}
	}
	h.n++
	h.marks[account][overture.Thing{Topic: topic, ID: id}] = h.n
}

func (h *house) signOut(token string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, token)
}

const quick = 10 * time.Millisecond

// begin opens the door. Sessions: "alpha" and "alpha2" are administrators of account 1, "agent" its agent, "beta" an administrator of account 2.
func begin(t *testing.T, limits realtime.Limits, pace realtime.Pace) *house {
	t.Helper()
	h := &house{t: t, inbound: make(chan struct{}, 1), ended: make(chan struct{}, 1), marks: map[overture.AccountID]overture.Marks{}}
	h.sessions = map[string]access.Identity{
		"alpha":  {AccountID: 1, UserID: 1, SessionID: 1, Role: overture.Administrator},
		"alpha2": {AccountID: 1, UserID: 2, SessionID: 2, Role: overture.Administrator},
		"agent":  {AccountID: 1, UserID: 3, SessionID: 3, Role: overture.AgentRole},
		"beta":   {AccountID: 2, UserID: 4, SessionID: 4, Role: overture.Administrator},
	}
	if pace.Look == 0 {
		pace.Look = quick
	}
	live := realtime.New(realtime.Deps{
		Sessions: h, Marks: h.look, Cookie: "session", PublicURL: "https://messages.example.com", Inbound: h.inbound, Ended: h.ended, Limits: limits, Pace: pace,
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = live.Run(ctx); close(done) }()
	server := httptest.NewServer(live)
	h.url = server.URL
	h.stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(func() { h.stop(); server.Close() })
	return h
}

// page is one open socket.
type page struct {
	t    *testing.T
	conn *websocket.Conn
}

func (h *house) dial(token, query, origin string) (*websocket.Conn, *http.Response, error) {
	header := http.Header{}
	if token != "" {
		header.Set("Cookie", "session="+token)
	}
	if origin != "" {
		header.Set("Origin", origin)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return websocket.Dial(ctx, h.url+"/v1/live"+query, &websocket.DialOptions{HTTPHeader: header})
}

func (h *house) open(token, query string) *page {
	h.t.Helper()
	conn, resp, err := h.dial(token, query, h.url)
	if err != nil {
		h.t.Fatalf("open as %s: %v", token, err)
	}
	_ = resp.Body
	h.t.Cleanup(func() { _ = conn.CloseNow() })
	return &page{h.t, conn}
}

type said struct {
	Type, Epoch, Topic, ID string
	Offset                 int64
}

func (s said) String() string {
	if s.Type == "resync" {
		return s.Type
	}
	return strings.TrimRight(fmt.Sprintf("%s %d %s %s", s.Type, s.Offset, s.Topic, s.ID), " ")
}

// next gives the next frame that is no beat, or the code of the close.
func (p *page) next() (said, websocket.StatusCode) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for {
		_, raw, err := p.conn.Read(ctx)
		if err != nil {
			if ctx.Err() != nil {
				p.t.Fatal("nothing came")
			}
			return said{}, websocket.CloseStatus(err)
		}
		var s said
		if err := json.Unmarshal(raw, &s); err != nil {
			p.t.Fatalf("%s: %v", raw, err)
		}
		if s.Type != "beat" {
			return s, 0
		}
	}
}

func (p *page) want(frames ...string) said {
	p.t.Helper()
	var s said
	for _, f := range frames {
		var code websocket.StatusCode
		if s, code = p.next(); code != 0 || s.String() != f {
			p.t.Fatalf("got %q (closed: %d), want %q", s, code, f)
		}
	}
	return s
}

func (p *page) wantClose(want websocket.StatusCode) {
	p.t.Helper()
	for {
		s, code := p.next()
		if code == want {
			return
		}
		if code != 0 {
			p.t.Fatalf("closed with %d, want %d (%v)", code, want, s)
		}
	}
}

func TestEventsComeAndAreCaughtUp(t *testing.T) {
	t.Parallel()
	h := begin(t, realtime.Limits{}, realtime.Pace{})
	p := h.open("alpha", "")
	epoch := p.want("hello 0").Epoch
	h.change(1, overture.CampaignTopic, "cmp_1")
	p.want("event 1 campaign cmp_1")
	other := h.open("alpha2", "")
	other.want("hello 1")
	_ = p.conn.CloseNow()
	for i, id := range []string{"cmp_2", "cmp_3"} {
		h.change(1, overture.CampaignTopic, id)
		other.want(fmt.Sprintf("event %d campaign %s", 2+i, id))
	}
	back := h.open("alpha", "?epoch="+epoch+"&after=1")
	if again := back.want("hello 3", "event 2 campaign cmp_2", "event 3 campaign cmp_3"); again.Epoch != "" {
		t.Errorf("an event carries more than it must: %+v", again)
	}
	h.change(1, overture.SenderTopic, "snd_1")
	back.want("event 4 sender snd_1")
	other.want("event 4 sender snd_1")
	h.open("alpha", "?epoch="+epoch+"&after=4").want("hello 4") // nothing was missed
}

func TestWhoMissedTooMuchAsksForEverything(t *testing.T) {
	t.Parallel()
	h := begin(t, realtime.Limits{Ring: 3}, realtime.Pace{})
	p := h.open("alpha", "")
	epoch := p.want("hello 0").Epoch
	for i := range 4 {
		h.change(1, overture.CampaignTopic, "cmp_1")
		p.want(fmt.Sprintf("event %d campaign cmp_1", i+1))
	}
	h.open("alpha", "?epoch="+epoch+"&after=1").want("hello 4", "event 2 campaign cmp_1", "event 3 campaign cmp_1", "event 4 campaign cmp_1")
	h.open("alpha", "?epoch="+epoch+"&after=0").want("hello 4", "resync")
	h.open("alpha", "?epoch=another&after=4").want("hello 4", "resync")
	h.open("alpha", "?epoch="+epoch+"&after=9").want("hello 4", "resync") // from the future: not ours
	h.open("alpha", "?epoch="+epoch+"&after=-1").want("hello 4", "resync")

	// Another account's events push ours out of the ring, and that is noticed.
	b := h.open("beta", "")
	b.want("hello 0")
	for i := range 3 {
		h.change(2, overture.CampaignTopic, "cmp_b")
		b.want(fmt.Sprintf("event %d campaign cmp_b", i+1))
	}
	h.open("alpha", "?epoch="+epoch+"&after=3").want("hello 4", "resync")
	h.open("alpha", "?epoch="+epoch+"&after=4").want("hello 4")
}

func TestAnAccountNobodyLookedAtBeginsAnew(t *testing.T) {
	t.Parallel()
	h := begin(t, realtime.Limits{}, realtime.Pace{Keep: quick})
	p := h.open("alpha", "")
	epoch := p.want("hello 0").Epoch
	h.change(1, overture.CampaignTopic, "cmp_1")
	p.want("event 1 campaign cmp_1")
	_ = p.conn.CloseNow()
	for range 500 { // until the account is not looked at any more
		time.Sleep(quick)
		again := h.open("alpha", "?epoch="+epoch+"&after=1")
		s, _ := again.next()
		if s.Epoch != epoch {
			again.want("resync")
			return
		}
		_ = again.conn.CloseNow()
	}
	t.Error("the account is still looked at")
}

func TestOthersHearNothing(t *testing.T) {
	t.Parallel()
	h := begin(t, realtime.Limits{}, realtime.Pace{})
	a, agent, b := h.open("alpha", ""), h.open("agent", ""), h.open("beta", "")
	a.want("hello 0")
	agent.want("hello 0")
	b.want("hello 0")
	for i, topic := range []overture.Topic{overture.CampaignTopic, overture.HeldTopic, overture.OptOutTopic, overture.SenderTopic} {
		h.change(1, topic, "x")
		a.want(fmt.Sprintf("event %d %s x", i+1, topic))
	}
	h.inbound <- struct{}{}
	a.want("event 5 inbound")
	agent.want("event 5 inbound") // an agent may hear of answers, and of nothing else
	b.want("event 1 inbound")     // of everybody's answers, and it carries nothing
	h.change(2, overture.CampaignTopic, "y")
	b.want("event 2 campaign y")
	h.change(1, overture.CampaignTopic, "z")
	a.want("event 6 campaign z")
}

func TestASlowPageIsClosed(t *testing.T) {
	t.Parallel()
	h := begin(t, realtime.Limits{Queue: 4}, realtime.Pace{})
	p := h.open("alpha", "")
	p.want("hello 0")
	h.mu.Lock()
	h.marks[1] = overture.Marks{}
	for i := range 50_000 { // one look tells them all, faster than they can be written
		h.marks[1][overture.Thing{Topic: overture.CampaignTopic, ID: fmt.Sprint(i)}] = 1
	}
	h.mu.Unlock()
	p.wantClose(4429)
}

func TestForeignPagesAndStrangers(t *testing.T) {
	t.Parallel()
	h := begin(t, realtime.Limits{}, realtime.Pace{})
	for _, origin := range []string{"", "https://evil.example", "null", h.url + ".evil.example", "https://messages.example.com.evil.example"} {
		if _, resp, err := h.dial("alpha", "", origin); err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("origin %q: %v, %v", origin, resp, err)
		}
	}
	if _, _, err := h.dial("alpha", "", "https://messages.example.com"); err != nil {
		t.Errorf("the public address: %v", err)
	}
	for _, token := range []string{"", "unknown"} {
		conn, _, err := h.dial(token, "", h.url)
		if err != nil {
			t.Fatal(err)
		}
		(&page{t, conn}).wantClose(4401)
	}
}

func TestAKeyOpensNothing(t *testing.T) {
	t.Parallel()
	h := begin(t, realtime.Limits{}, realtime.Pace{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, h.url+"/v1/live?token=alpha", &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {h.url}, "Authorization": {"Bearer alpha"}}})
	if err != nil {
		t.Fatal(err)
	}
	(&page{t, conn}).wantClose(4401)
}

func TestTheEndOfASessionEndsItsPages(t *testing.T) {
	t.Parallel()
	t.Run("at once when it is told", func(t *testing.T) {
		t.Parallel()
		h := begin(t, realtime.Limits{}, realtime.Pace{Check: time.Hour})
		p, other := h.open("alpha", ""), h.open("alpha2", "")
		p.want("hello 0")
		other.want("hello 0")
		h.signOut("alpha")
		h.ended <- struct{}{}
		p.wantClose(4401)
		h.change(1, overture.CampaignTopic, "cmp_1")
		other.want("event 1 campaign cmp_1")
	})
	t.Run("soon when nobody tells", func(t *testing.T) {
		t.Parallel()
		h := begin(t, realtime.Limits{}, realtime.Pace{Check: quick})
		p := h.open("alpha", "")
		p.want("hello 0")
		h.signOut("alpha")
		p.wantClose(4401)
	})
}

func TestServerStop(t *testing.T) {
	t.Parallel()
	h := begin(t, realtime.Limits{}, realtime.Pace{})
	p := h.open("alpha", "")
	p.want("hello 0")
	go h.stop() // it waits for the page to answer the close
	p.wantClose(websocket.StatusServiceRestart)
	h.stop()
	if _, resp, err := h.dial("alpha", "", h.url); err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after the stop: %v, %v", resp, err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	h := begin(t, realtime.Limits{PerSession: 2, All: 3}, realtime.Pace{})
	one := h.open("alpha", "")
	h.open("alpha", "")
	if _, resp, err := h.dial("alpha", "", h.url); err == nil || resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a third page of one session: %v, %v", resp, err)
	}
	h.open("beta", "")
	if _, resp, err := h.dial("agent", "", h.url); err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a fourth page: %v, %v", resp, err)
	}
	_ = one.conn.Close(websocket.StatusNormalClosure, "")
	for began := time.Now(); ; time.Sleep(quick) { // until the server noticed
		if _, _, err := h.dial("agent", "", h.url); err == nil {
			return
		}
		if time.Since(began) > 10*time.Second {
			t.Fatal("a closed page keeps its place")
		}
	}
}

func TestSignsOfLife(t *testing.T) {
	t.Parallel()
	h := begin(t, realtime.Limits{}, realtime.Pace{Beat: quick})
	p := h.open("alpha", "")
	p.want("hello 0")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range 3 {
		if _, raw, err := p.conn.Read(ctx); err != nil || string(raw) != `{"type":"beat"}` {
			t.Fatalf("got %s, %v", raw, err)
		}
	}
}
