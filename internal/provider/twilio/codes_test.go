package twilio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/provider/twilio"
)

type errorCode struct {
	Code  int    `json:"code"`
	Class string `json:"class"`
}

func errorCodes(t *testing.T) []errorCode {
	t.Helper()
	b, err := os.ReadFile("testdata/error-codes.json")
	if err != nil {
		t.Fatal(err)
	}
	var out []errorCode
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if len(out) != 106 {
		t.Fatalf("%d codes, want 106", len(out))
	}
	return out
}

// wantOfClass is what the brief of the adapter asks for, written down a second time on purpose.
var wantOfClass = map[string]string{
	"permanent_address": "refused address", "permanent_pair": "refused address",
	"permanent_message": "refused content", "template": "refused content",
	"config": "refused sender", "opt_out": "refused opt_out", "opt_out_marketing": "refused opt_out", "opt_out_suspected": "refused address",
	"not_on_channel": "refused channel", "window_closed": "refused policy", "policy_deferral": "refused policy", "rate_limited": "throttled ",
	"transient": "unknown ", "ambiguous": "unknown ", "expired": "unknown ", "info": "unknown ", "our_side": "unknown ",
}

// wantOfCode are the exceptions: what concerns one destination or one person must not stop the sender.
var wantOfCode = map[int]string{
	21408: "refused policy", 21608: "refused policy", 63013: "refused policy", 63015: "refused policy", 63031: "refused address",
}

func TestEveryCodeAsAnAnswer(t *testing.T) {
	var status, code int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"code":%d,"message":"The 'To' number +12125550123 is bad","more_info":"x","status":%d}`, code, status)
	}))
	defer server.Close()
	c := client(t, 30*time.Second)
	send := func() *overture.SendError {
		_, err := c.Send(t.Context(), sender(server.URL), overture.Outgoing{To: "+12125550123", Body: "hello"})
		var e *overture.SendError
		if !errors.As(err, &e) {
			t.Fatalf("code %d: %v is no send error", code, err)
		}
		if e.Code != code && status >= 400 || e.HTTPStatus != status || strings.Contains(e.Error(), "2125550123") {
			t.Errorf("code %d, status %d: %v", code, status, e)
		}
		return e
	}
	for _, c := range errorCodes(t) {
		code = c.Code
		want := wantOfClass[c.Class]
		if own := wantOfCode[code]; own != "" {
			want = own
		}
		if want == "" {
			t.Errorf("code %d: class %q is not decided", code, c.Class)
		}
		for _, s := range []struct {
			status int
			want   string
		}{{400, want}, {401, want}, {403, want}, {404, want}, {422, want}, {408, "unknown "}, {429, "throttled "}, {500, "unknown "}, {503, "unknown "}, {302, "unknown "}, {200, "unknown "}} {
			status = s.status
			if e := send(); string(e.Class)+" "+string(e.Refusal) != s.want {
				t.Errorf("code %d with status %d: %s %s, want %s", code, status, e.Class, e.Refusal, s.want)
			}
		}
	}
	for _, code = range []int{0, 1, 20000, 21613, 29999, 99999} {
		status = 400
		if e := send(); e.Class != overture.SendUnknown {
			t.Errorf("unknown code %d: %v, want a doubt", code, e)
		}
	}
}

// TestEveryCodeInACallback: a code that comes later never changes what the status says, and opt-out codes are reported as such.
func TestEveryCodeInACallback(t *testing.T) {
	optOuts := 0
	for _, c := range errorCodes(t) {
		for _, status := range []string{"failed", "undelivered"} {
			form := url.Values{"MessageSid": {sid}, "MessageStatus": {status}, "ErrorCode": {fmt.Sprint(c.Code)}, "AccountSid": {account}}
			r, err := twilio.ParseStatus(form, url.Values{"m": {"msg_9"}, "t": {"tok"}})
			if err != nil {
				t.Fatalf("code %d: %v", c.Code, err)
			}
			wantOptOut := c.Class == "opt_out" || c.Class == "opt_out_marketing"
			if r.State != overture.Undelivered || r.Code != c.Code || r.OptOut != wantOptOut {
				t.Errorf("code %d in a callback: %+v, want undelivered, opt-out %v", c.Code, r, wantOptOut)
			}
			if r.OptOut {
				optOuts++
			}
		}
	}
	if optOuts != 2*4 {
		t.Errorf("%d opt-outs, want 21610, 30640, 63014 and 63033 twice", optOuts)
	}
}
