package lab_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/overture-im/overture/internal/lab"
)

func FuzzJSON(f *testing.F) {
	for _, s := range []string{"", `"\`, "a\x00\x1f\n\r\t", "é👍\u2028", "\xff\xf0\x9f x", "{{1}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got, want string
		if err := json.Unmarshal([]byte(lab.AppendJSON(s)), &got); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		raw, err := json.Marshal(s)
		must(t, err)
		must(t, json.Unmarshal(raw, &want))
		if got != want {
			t.Errorf("%q came back as %q, want %q", s, got, want)
		}
	})
}

// FuzzForm: whatever net/url can read, the lab reads the same; and nothing makes it panic.
func FuzzForm(f *testing.F) {
	for _, s := range []string{"To=%2B44&Body=a+b%26c", "Body=%zz", "Body=&Body=x", "=&&=", "%54o=1", "Body=%", "StatusCallback=http%3A%2F%2Fx%3Fm%3D1%26t%3D2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := lab.ReadForm([]byte(raw))
		if err != nil {
			t.Skip(err)
		}
		want, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		for _, name := range []string{"To", "From", "MessagingServiceSid", "Body", "StatusCallback", "ValidityPeriod"} {
			if value, ok := got[name]; ok != want.Has(name) || value != want.Get(name) {
				t.Errorf("%q: %s = %q %v, want %q %v", raw, name, value, ok, want.Get(name), want.Has(name))
			}
		}
	})
}

func TestSIDNamesItsMessage(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key, n := rapid.Uint64().Draw(t, "key"), rapid.Uint32Min(1).Draw(t, "n")
		s := lab.SID(key, n)
		if len(s) != 34 || lab.ParseSID(key, s) != n {
			t.Fatalf("%s is %d, want %d", s, lab.ParseSID(key, s), n)
		}
		if lab.ParseSID(key+1, s) != 0 {
			t.Fatalf("%s is known to a lab with another key", s)
		}
		changed := []byte(s)
		at := rapid.IntRange(2, 33).Draw(t, "at")
		changed[at] = "0123456789abcdef"[(slices.Index([]byte("0123456789abcdef"), changed[at])+1)%16]
		if lab.ParseSID(key, string(changed)) != 0 {
			t.Fatalf("%s is known though one digit of %s was changed", changed, s)
		}
	})
}

func TestAgendaKeepsOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		dues := rapid.SliceOf(rapid.Int64Range(0, 100)).Draw(t, "dues")
		popped := lab.Agenda(dues, []int64{rapid.Int64Range(0, 100).Draw(t, "now"), 100})
		if slices.Sort(dues); !slices.Equal(popped, dues) {
			t.Fatalf("popped %v, want %v", popped, dues)
		}
	})
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for s, valid := range map[string]bool{
		"+12125550123": true, "+447700900123": true, "+4930123456": true, "+999999999999999": true,
		"": false, "+": false, "12125550123": false, "+0123456789": false, "+1212555012": false, "+121255501234": false, "+44 7700900123": false,
		"+9999999999999999": false, "+44770": false, "whatsapp:+447700900123": false,
	} {
		want := ""
		if valid {
			want = s
		}
		if got := lab.ParseNumber(s); got != want {
			t.Errorf("%q is read as %q, want %q", s, got, want)
		}
	}
}

func TestFragmentPolicy(t *testing.T) {
	t.Parallel()
	for fragment, want := range map[string]struct {
		retries int
		on      [4]bool // no connection, no answer, 404, 500
		timeout time.Duration
	}{
		"":                           {1, [4]bool{true, false, false, false}, 20 * time.Second},
		"rc=5&rp=all":                {5, [4]bool{true, true, true, true}, 20 * time.Second},
		"rc=0":                       {0, [4]bool{true, false, false, false}, 20 * time.Second},
		"rc=9&rp=4xx,rt":             {5, [4]bool{false, true, true, false}, 20 * time.Second},
		"rc=2&rp=ct,5xx&ct=100":      {2, [4]bool{true, false, false, true}, 15100 * time.Millisecond},
		"rt=200&ct=300":              {1, [4]bool{true, false, false, false}, 500 * time.Millisecond},
		"tt=1500":                    {1, [4]bool{true, false, false, false}, 1500 * time.Millisecond},
		"ct=1&rt=99999&tt=x&rc=many": {1, [4]bool{true, false, false, false}, 20 * time.Second},
	} {
		retries, on, timeout := lab.Policy(fragment)
		if retries != want.retries || on != want.on || timeout != want.timeout {
			t.Errorf("#%s: %d %v %v, want %+v", fragment, retries, on, timeout, want)
		}
	}
}

// TestOnlyLoopbackIsCalled: names are checked when a webhook is registered, and every address again when it is dialled.
func TestOnlyLoopbackIsCalled(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"http://192.0.2.1/", "http://10.1.2.3:8080/", "http://[2001:db8::1]/", "http://0.0.0.0:1/"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, nil)
		must(t, err)
		resp, err := lab.LoopbackTransport().RoundTrip(req)
		if err == nil {
			resp.Body.Close()
		}
		if !errors.Is(err, lab.ErrNotLoopback) {
			t.Errorf("%s: %v, want a refusal", target, err)
		}
	}
}
