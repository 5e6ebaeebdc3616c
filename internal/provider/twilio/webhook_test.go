package twilio_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/provider/twilio"
)

const sid = "SM0123456789abcdef0123456789abcdef"

func TestParseStatus(t *testing.T) {
	states := map[string]overture.State{
		"accepted": overture.Accepted, "scheduled": overture.Accepted, "queued": overture.Accepted, "sending": overture.Accepted,
		"sent": overture.Sent, "delivered": overture.Delivered, "read": overture.Read, "undelivered": overture.Undelivered,
		"failed": overture.Undelivered, "canceled": overture.Undelivered, "partially_delivered": overture.Sent,
		"a-new-word": overture.Accepted, // still a proof that Twilio has it
	}
	for status, want := range states {
		form := url.Values{
			"AccountSid": {account}, "MessageSid": {sid}, "SmsSid": {sid}, "MessageStatus": {status}, "SmsStatus": {status}, "ErrorCode": {"30003"},
			"From": {from}, "To": {"+12125550123"}, "ApiVersion": {"2010-04-01"}, "RawDlrDoneDate": {"2611201200"}, "SomethingNew": {"x"},
		}
		got, err := twilio.ParseStatus(form, url.Values{"m": {"msg_9"}, "t": {"tok-_5"}})
		if err != nil {
			t.Fatalf("%s: %v", status, err)
		}
		expect := overture.Receipt{Provider: "twilio", AccountRef: account, MessageID: 9, Token: "tok-_5", ProviderID: sid, State: want}
		if want == overture.Undelivered {
			expect.Code = 30003 // a code beside "delivered" would be old news
		}
		if got != expect {
			t.Errorf("%s: %+v, want %+v", status, got, expect)
		}
	}
}

func TestParseStatusRefuses(t *testing.T) {
	good := func() (form, query url.Values) {
		return url.Values{"MessageSid": {sid}, "MessageStatus": {"sent"}}, url.Values{"m": {"msg_9"}, "t": {"tok"}}
	}
	for name, spoil := range map[string]func(form, query url.Values){
		"no sid":          func(f, _ url.Values) { f.Del("MessageSid") },
		"short sid":       func(f, _ url.Values) { f.Set("MessageSid", sid[:33]) },
		"call sid":        func(f, _ url.Values) { f.Set("MessageSid", "CA"+sid[2:]) },
		"sid not hex":     func(f, _ url.Values) { f.Set("MessageSid", sid[:33]+"g") },
		"no status":       func(f, _ url.Values) { f.Del("MessageStatus") },
		"inbound status":  func(f, _ url.Values) { f.Set("MessageStatus", "received") },
		"id of a brand":   func(_, q url.Values) { q.Set("m", "brd_9") },
		"id not a number": func(_, q url.Values) { q.Set("m", "msg_") },
		"long token":      func(_, q url.Values) { q.Set("t", strings.Repeat("a", 65)) },
		"token with NUL":  func(_, q url.Values) { q.Set("t", "a\x00") },
		"token with text": func(_, q url.Values) { q.Set("t", "a b") },
	} {
		form, query := good()
		spoil(form, query)
		if r, err := twilio.ParseStatus(form, query); !errors.Is(err, overture.Invalid) {
			t.Errorf("%s: %+v, %v, want Invalid", name, r, err)
		}
	}
	form, _ := good()
	if r, err := twilio.ParseStatus(form, nil); err != nil || r.MessageID != 0 {
		t.Errorf("without our query: %+v, %v, want a receipt of nobody", r, err)
	}
}

func TestParseInbound(t *testing.T) {
	form := url.Values{
		"MessageSid": {sid}, "SmsMessageSid": {sid}, "AccountSid": {account}, "From": {"+12125550123"}, "To": {from}, "Body": {"Sí 👍\x00\xff"},
		"NumMedia": {"0"}, "OptOutType": {"STOP"}, "FromCity": {"NEW YORK"}, "FromCountry": {"US"}, "SmsStatus": {"received"},
	}
	got, err := twilio.ParseInbound(form)
	want := overture.Inbound{
		Provider: "twilio", ProviderID: sid, From: "+12125550123", To: from, Body: "Sí 👍\uFFFD", OptOutType: "STOP", City: "NEW YORK", Country: "US",
	}
	if err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	form.Set("OptOutType", "stop it")
	form.Set("Body", strings.Repeat("é", 20_000))
	if got, err = twilio.ParseInbound(form); err != nil || got.OptOutType != "" || len(got.Body) > 16<<10 || !utf8.ValidString(got.Body) {
		t.Errorf("OptOutType %q, body of %d bytes, %v", got.OptOutType, len(got.Body), err)
	}
	for name, value := range map[string]string{"MessageSid": "SM1", "From": "", "To": "+1 212"} {
		bad := url.Values{"MessageSid": {sid}, "From": {"+12125550123"}, "To": {from}}
		bad.Set(name, value)
		if _, err := twilio.ParseInbound(bad); !errors.Is(err, overture.Invalid) {
			t.Errorf("%s=%q: %v, want Invalid", name, value, err)
		}
	}
}

func FuzzWebhooks(f *testing.F) {
	f.Add("MessageSid="+sid+"&MessageStatus=delivered&ErrorCode=0", "m=msg_9&t=tok")
	f.Add("MessageSid="+sid+"&From=%2B1&To=%2B2&Body=%00%ff", "")
	f.Fuzz(func(t *testing.T, rawForm, rawQuery string) {
		form, err := url.ParseQuery(rawForm)
		if err != nil {
			return
		}
		query, err := url.ParseQuery(rawQuery)
		if err != nil {
			return
		}
		if r, err := twilio.ParseStatus(form, query); err == nil && (r.State < overture.Accepted || len(r.Token) > 64 || r.Code < 0 || r.MessageID < 0) {
			t.Errorf("%+v", r)
		}
		if in, err := twilio.ParseInbound(form); err == nil && (!utf8.ValidString(in.Body+in.City+in.Country) || strings.Contains(in.Body, "\x00")) {
			t.Errorf("%+v", in)
		}
	})
}
