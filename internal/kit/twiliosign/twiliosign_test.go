package twiliosign_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/overture-im/overture/internal/kit/twiliosign"
)

type vector struct {
	Name      string            `json:"name"`
	AuthToken string            `json:"auth_token"`
	URL       string            `json:"url"`
	Params    map[string]string `json:"params"`
	Signature string            `json:"signature"`
}

func vectors(t testing.TB) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var out []vector
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if len(out) < 10 {
		t.Fatalf("%d vectors, want at least 10", len(out))
	}
	return out
}

func (v vector) form() url.Values {
	out := url.Values{}
	for k, s := range v.Params {
		out.Set(k, s)
	}
	return out
}

func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			if got := twiliosign.Sign(v.AuthToken, v.URL, v.form()); got != v.Signature {
				t.Errorf("Sign = %s, want %s", got, v.Signature)
			}
			if !twiliosign.Valid([]string{v.AuthToken}, v.URL, v.form(), v.Signature) {
				t.Error("Valid refuses the vector")
			}
		})
	}
}

func TestJSONVector(t *testing.T) {
	body := []byte(`{"property": "value", "boolean": true}`)
	base := "https://mycompany.com/myapp.php?foo=1&bar=2"
	signed, signature := twiliosign.SignJSON("12345", base, body)
	if want := "a9nBmqA0ju/hNViExpshrM61xv4="; signature != want {
		t.Errorf("SignJSON = %s, want %s", signature, want)
	}
	if want := base + "&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"; signed != want {
		t.Errorf("SignJSON URL = %s, want %s", signed, want)
	}
	tokens := []string{"12345"}
	if !twiliosign.ValidJSON(tokens, signed, body, signature) {
		t.Error("ValidJSON refuses its own signature")
	}
	for name, try := range map[string]struct{ url, body string }{
		"changed body": {signed, `{"property": "value", "boolean": false}`},
		"no hash":      {base, string(body)},
		"two hashes":   {signed + "&bodySHA256=00", string(body)},
	} {
		if twiliosign.ValidJSON(tokens, try.url, []byte(try.body), signature) {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestEveryChangeIsRefused flips, adds and removes one thing at a time (threat T17).
func TestEveryChangeIsRefused(t *testing.T) {
	for _, v := range vectors(t) {
		tokens := []string{v.AuthToken}
		refused := func(what, rawURL string, form url.Values, signature string) {
			t.Helper()
			if twiliosign.Valid(tokens, rawURL, form, signature) {
				t.Errorf("%s: accepted with %s", v.Name, what)
			}
		}
		for i := range v.Signature {
			b := []byte(v.Signature)
			b[i] ^= 1
			refused("a changed signature", v.URL, v.form(), string(b))
		}
		refused("no signature", v.URL, v.form(), "")
		refused("a cut signature", v.URL, v.form(), v.Signature[:len(v.Signature)-4])
		refused("another path", strings.Replace(v.URL, "/m", "/n", 1)+"x", v.form(), v.Signature)
		for _, name := range slices.Sorted(maps.Keys(v.Params)) {
			form := v.form()
			form.Set(name, form.Get(name)+"x")
			refused("changed "+name, v.URL, form, v.Signature)
			form = v.form()
			form.Del(name)
			refused("missing "+name, v.URL, form, v.Signature)
		}
		form := v.form()
		form.Set("Extra", "1")
		refused("an extra field", v.URL, form, v.Signature)
		tokens = []string{v.AuthToken + "x"}
		refused("another token", v.URL, v.form(), v.Signature)
	}
}

func TestTokens(t *testing.T) {
	form := url.Values{"MessageSid": {"SM1"}}
	const at = "https://hooks.example.test/x"
	signature := twiliosign.Sign("old", at, form)
	if !twiliosign.Valid([]string{"new", "old"}, at, form, signature) {
		t.Error("the second token of a rotation is refused")
	}
	if twiliosign.Valid(nil, at, form, signature) {
		t.Error("accepted without any token")
	}
	if twiliosign.Valid([]string{"new", ""}, at, form, twiliosign.Sign("", at, form)) {
		t.Error("an empty token signs: anybody could forge")
	}
}

func TestPorts(t *testing.T) {
	form := url.Values{"A": {"1"}}
	tokens := []string{"t"}
	for _, c := range []struct{ public, signed string }{
		{"https://h.example.test/x?a=1", "https://h.example.test:443/x?a=1"},
		{"https://h.example.test:443/x", "https://h.example.test/x"},
		{"http://h.example.test/x", "http://h.example.test:80/x"},
		{"https://h.example.test", "https://h.example.test:443"},
		{"https://h.example.test?a=b:c", "https://h.example.test:443?a=b:c"},
		{"https://h.example.test:8443/x", "https://h.example.test/x"},
		{"https://[2001:db8::1]/x", "https://[2001:db8::1]:443/x"},
		{"https://[2001:db8::1]:443/x", "https://[2001:db8::1]/x"},
		{"https://h.example.test/x#rc=5&rp=all", "https://h.example.test/x"},
		{"https://h.example.test/x", "https://h.example.test/x#rc=5"},
	} {
		if !twiliosign.Valid(tokens, c.public, form, twiliosign.Sign("t", c.signed, form)) {
			t.Errorf("%s refuses a signature over %s", c.public, c.signed)
		}
	}
	if twiliosign.Valid(tokens, "https://h.example.test/x", form, twiliosign.Sign("t", "https://h.example.test:8443/x", form)) {
		t.Error("a foreign port is accepted")
	}
	if twiliosign.Valid(tokens, "https://h.example.test/x", form, twiliosign.Sign("t", "http://h.example.test/x", form)) {
		t.Error("another scheme is accepted")
	}
}

func TestRepeatedNames(t *testing.T) {
	const at = "https://h.example.test/x"
	for _, name := range []string{"MessageSid", "From", "To", "Body", "MessageStatus", "ErrorCode", "OptOutType", "AccountSid"} {
		form := url.Values{name: {"a", "b"}}
		if twiliosign.Valid([]string{"t"}, at, form, twiliosign.Sign("t", at, form)) {
			t.Errorf("two values for %s are accepted", name)
		}
	}
	form := url.Values{"MediaUrl": {"b", "a", "b"}}
	if got, want := twiliosign.Sign("t", at, form), twiliosign.Sign("t", at, url.Values{"MediaUrla": {""}, "MediaUrlb": {""}}); got != want {
		t.Errorf("repeated names are signed as %s, want each different value once in sorted order: %s", got, want)
	}
	if !twiliosign.Valid([]string{"t"}, at, form, twiliosign.Sign("t", at, form)) {
		t.Error("a repeated name that is no singleton is refused")
	}
}

func FuzzValid(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.AuthToken, v.URL, v.form().Encode(), v.Signature)
	}
	f.Add("t", "://", "a=1;b", "====")
	f.Fuzz(func(t *testing.T, token, rawURL, form, signature string) {
		values, err := url.ParseQuery(form)
		if err != nil {
			return
		}
		if twiliosign.Valid([]string{token}, rawURL, values, signature) && signature != twiliosign.Sign(token, rawURL, values) {
			// Only another spelling of the port may differ; it still needs the token.
			if token == "" {
				t.Error("accepted without a token")
			}
		}
		if own := twiliosign.Sign("secret", rawURL, values); twiliosign.Valid([]string{""}, rawURL, values, own) {
			t.Error("an empty token signs")
		}
	})
}

func BenchmarkValid(b *testing.B) {
	v := vectors(b)[6]
	form, tokens := v.form(), []string{v.AuthToken}
	b.ReportAllocs()
	for b.Loop() {
		if !twiliosign.Valid(tokens, v.URL, form, v.Signature) {
			b.Fatal("refused")
		}
	}
}
