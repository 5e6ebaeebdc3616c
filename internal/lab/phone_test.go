package lab_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/overture-im/overture/internal/lab"
)

func TestStopAndStart(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"STOP", "stop", " Unsubscribe ", "CANCEL", "end", "QUIT", "StopAll", "revoke", "OPTOUT"} {
		t.Run(word, func(t *testing.T) {
			b := start(t, lab.Options{})
			must(t, b.Client.SetNumber(t.Context(), lab.Number{Number: "+12125550101", AccountSID: accountSID}))
			b.write(t, person, ours, word)
			if got := b.send(t, person); got.status != 400 || got.code() != 21610 {
				t.Fatalf("after %s: status %d code %d, want 400 and 21610", word, got.status, got.code())
			}
			if got := b.send(t, person, "From", "+12125550101"); got.status != 201 {
				t.Errorf("another number of ours: status %d, want 201: the carrier's list is per sender", got.status)
			}
			if got := b.send(t, "+447700900124"); got.status != 201 {
				t.Errorf("another phone: status %d", got.status)
			}
			b.write(t, person, ours, "start")
			if got := b.send(t, person); got.status != 201 {
				t.Errorf("after START: status %d, want 201", got.status)
			}
			b.drain(t)
			equal(t, "thread", directions(b.phone(t, person)), []string{"written", "carrier", "written", "carrier", "received", "received"})
		})
	}
}

func (b *bench) write(t *testing.T, from, to, body string) string {
	t.Helper()
	sid, err := b.Client.Write(t.Context(), from, to, body)
	must(t, err)
	return sid
}

func (b *bench) phone(t *testing.T, number string) lab.Phone {
	t.Helper()
	p, err := b.Client.Phone(t.Context(), number)
	must(t, err)
	return p
}

func directions(p lab.Phone) []string {
	out := []string{}
	for _, e := range p.Thread {
		out = append(out, e.Direction)
	}
	return out
}

func TestOrdinaryWordsAreNotKeywords(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	for _, text := range []string{"please stop", "STOP it", "yes", "start", "ok"} {
		b.write(t, person, ours, text)
	}
	if got := b.send(t, person); got.status != 201 {
		t.Errorf("status %d, want 201", got.status)
	}
	for _, e := range b.phone(t, person).Thread {
		if e.Direction == "carrier" {
			t.Errorf("the carrier answered: %q", e.Body)
		}
	}
}

func TestKeywordsByNumber(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		keywords, optOutType string
		code                 int
	}{
		{lab.KeywordsDefault, "", 21610}, {lab.KeywordsAdvanced, "STOP", 21610}, {lab.KeywordsNone, "", 0},
	} {
		t.Run(tt.keywords, func(t *testing.T) {
			b := start(t, lab.Options{})
			must(t, b.Client.SetNumber(t.Context(), lab.Number{Number: ours, AccountSID: accountSID, InboundURL: b.product.URL + "/inbound", Keywords: tt.keywords}))
			b.write(t, person, ours, "Stop")
			b.drain(t)
			if got := b.product.all("/inbound")[0].form.Get("OptOutType"); got != tt.optOutType {
				t.Errorf("OptOutType = %q, want %q", got, tt.optOutType)
			}
			if got := b.send(t, person); got.code() != tt.code {
				t.Errorf("code %d, want %d", got.code(), tt.code)
			}
		})
	}
}

func TestInboundWebhook(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	b.product.answers(func(n int, _ hit) int { return []int{503, 404, 200}[min(n, 3)-1] })
	const text = "Sí, más información 👍 & 100%"
	sid := b.write(t, person, ours, text)
	b.drain(t)
	hits := b.product.all("/inbound")
	if len(hits) != 3 {
		t.Fatalf("%d calls, want 3: two failures and a success", len(hits))
	}
	for _, h := range hits {
		if !h.signed {
			t.Error("not signed")
		}
		for field, want := range map[string]string{
			"MessageSid": sid, "SmsMessageSid": sid, "SmsSid": sid, "AccountSid": accountSID, "ApiVersion": "2010-04-01", "SmsStatus": "received",
			"From": person, "To": ours, "Body": text, "NumMedia": "0", "NumSegments": "1", "FromCountry": "GB", "ToCountry": "US",
		} {
			if h.form.Get(field) != want {
				t.Errorf("%s = %q, want %q", field, h.form.Get(field), want)
			}
		}
	}
	for e, err := range b.Client.Inbound(t.Context(), 0) {
		must(t, err)
		if e.SID != sid || e.Tries != 3 || e.AcknowledgedAt == 0 || e.GaveUp || e.Body != text {
			t.Errorf("entry %+v", e)
		}
	}
}

func TestInboundIsGivenUpInTheEnd(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{InboundTries: 2})
	b.product.answers(func(int, hit) int { return http.StatusForbidden })
	b.write(t, person, ours, "hello")
	b.drain(t)
	s, err := b.Client.Summary(t.Context())
	must(t, err)
	if n := len(b.product.all("/inbound")); n != 2 || s.InboundFailed != 1 || s.InboundSent != 0 {
		t.Errorf("%d calls, failed %d, sent %d; want 2, 1, 0", n, s.InboundFailed, s.InboundSent)
	}
}

func TestPhonesAnswerInTurns(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	must(t, b.Client.SetScripts(t.Context(), []lab.Rule{
		{Number: person, Turns: [][]lab.Reply{{{Text: "Who is this?"}, {Text: "And why?", AfterMS: 250}}, {}, {{Text: "Fine"}}}},
		{Number: "+447700900124", Turns: [][]lab.Reply{{{Text: "Yes"}}, {{Text: "Again"}}}, Every: true},
		{Number: "+447700900125", Turns: [][]lab.Reply{{{Text: "STOP"}}}},
	}))
	for range 4 {
		for _, to := range []string{person, "+447700900124", "+447700900125"} {
			b.send(t, to)
		}
		b.drain(t)
	}
	got := map[string][]string{}
	for _, h := range b.product.all("/inbound") {
		got[h.form.Get("From")] = append(got[h.form.Get("From")], h.form.Get("Body"))
	}
	equal(t, "in turns", got[person], []string{"Who is this?", "And why?", "Fine"})
	equal(t, "every time", got["+447700900124"], []string{"Yes", "Again", "Again", "Again"})
	equal(t, "stops", got["+447700900125"], []string{"STOP"})
	s, err := b.Client.Summary(t.Context())
	must(t, err)
	if s.RefusedByCode["21610"] != 3 || s.OptOuts != 1 || s.InboundWritten != 8 || s.InboundSent != 8 {
		t.Errorf("summary %+v", s)
	}
	if stopped := b.phone(t, "+447700900125").StoppedFrom; !slices.Equal(stopped, []string{ours}) {
		t.Errorf("stopped from %q", stopped)
	}
	var texts []string
	for _, e := range b.phone(t, person).Thread {
		texts = append(texts, e.Direction+": "+e.Body)
	}
	hello := "received: Hello from the spring sale"
	equal(t, "thread", texts, []string{hello, "written: Who is this?", "written: And why?", hello, hello, "written: Fine", hello})
}

// TestShareOfPhones: the same seed chooses the same phones, whatever order they come in; another seed chooses others.
func TestShareOfPhones(t *testing.T) {
	t.Parallel()
	chosen := func(seed uint64, reverse bool) []string {
		b := start(t, lab.Options{Seed: seed})
		must(t, b.Client.SetScripts(t.Context(), []lab.Rule{{Prefix: "+44", Share: 0.3, Refuse: 21614}}))
		var out []string
		for i := range 200 {
			if reverse {
				i = 199 - i
			}
			to := "+447700900" + string([]byte{'0' + byte(i/100), '0' + byte(i/10%10), '0' + byte(i%10)})
			if b.send(t, to, "StatusCallback", "").status == 400 {
				out = append(out, to)
			}
		}
		slices.Sort(out)
		return out
	}
	first := chosen(1, false)
	if len(first) < 35 || len(first) > 85 {
		t.Errorf("%d of 200 phones, want about 60", len(first))
	}
	equal(t, "same seed", chosen(1, true), first)
	if slices.Equal(chosen(2, false), first) {
		t.Error("another seed chose the same phones")
	}
}

func TestControlRefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"write to an unknown number", second(b.Client.Write(t.Context(), person, "+12125550177", "hi")), "register it"},
		{"write from a bad number", second(b.Client.Write(t.Context(), "0123", ours, "hi")), "+12125550123"},
		{"write nothing", second(b.Client.Write(t.Context(), person, ours, "")), "body is missing"},
		{"account without AC", b.Client.AddAccount(t.Context(), "XX", "t"), `"AC"`},
		{"number of nobody", b.Client.SetNumber(t.Context(), lab.Number{Number: ours, AccountSID: "ACx"}), "POST /lab/accounts"},
		{"inbound outside loopback", b.Client.SetNumber(t.Context(), lab.Number{Number: ours, AccountSID: accountSID, InboundURL: "https://example.test/in"}), "loopback"},
		{"unknown fault", b.Client.SetScripts(t.Context(), []lab.Rule{{Fault: "explode"}}), "there is no fault"},
		{"bad number in a rule", b.Client.SetScripts(t.Context(), []lab.Rule{{Number: "12"}}), "no phone number"},
		{"share above one", b.Client.SetProfile(t.Context(), "", lab.Profile{AcceptReset: 1.5}), "0 to 1"},
		{"shares above one", b.Client.SetProfile(t.Context(), "", lab.Profile{AcceptReset: 0.7, Throttle: 0.4}), "sum up"},
		{"negative time", b.Client.SetProfile(t.Context(), "", lab.Profile{LatencyMS: -1}), "negative"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", tt.err, tt.want)
			}
		})
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, b.URL+"/lab/profile", strings.NewReader(`{"accept_timeuot":1}`))
	must(t, err)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a misspelt field: status %d, want 400", resp.StatusCode)
	}
}

func second(_ string, err error) error { return err }
