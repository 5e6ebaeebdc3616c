package twilio

import (
	"encoding/json"
	"testing"
)

const createdAnswer = `{"sid":"SM0123456789abcdef0123456789abcdef","account_sid":"AC00000000000000000000000000000001","api_version":"2010-04-01",` +
	`"status":"queued","direction":"outbound-api","from":"+15005550006","to":"+12125550123","messaging_service_sid":null,"body":"Hello, \u00fc \"x\"",` +
	`"num_segments":"1","num_media":"0","error_code":null,"error_message":null,"price":null,"price_unit":null,"date_created":"Sat, 21 Nov 2026 02:00:00 +0000",` +
	`"date_sent":null,"uri":"/2010-04-01/Accounts/AC/Messages/SM.json","subresource_uris":{"media":"/2010-04-01/Media.json","list":[1,0,{"a":[]}]}}`

// Whatever the quick reader vouches for, encoding/json reads the same way.
func FuzzReadCreated(f *testing.F) {
	f.Add(createdAnswer)
	for _, s := range []string{
		`{"sid":"SM0123456789abcdef0123456789abcdef"}`, `{"sid":"SM0123456789abcdef0123456789abcdef","num_segments":2}`, ` { "sid" : "SM0123456789abcdef0123456789abcdef" , "x" : 01 } `,
		`{"sid":"SM0123456789abcdef0123456789abcdef",}`, `{"sid":"SM0123456789abcdef0123456789abcdef"`, `{"sid":"SM0123456789abcdef0123456789abcdef"}x`,
		`{"SID":"SM0123456789abcdef0123456789abcdef","sid":"SMffffffffffffffffffffffffffffffff"}`, `{"sid":"SM0123456789abcdef0123456789abcdef","Sid":"SMffffffffffffffffffffffffffffffff"}`,
		`{"sid":"SM0123456789abcdef0123456789abcdef","a":-1}`, `{"sid":null,"sid":"SM0123456789abcdef0123456789abcdef"}`, `{"sid":"SM0123456789abcdef0123456789abcdef","a":"\\x"}`, `{"ſid":"SM0123456789abcdef0123456789abcdef","sid":"SMffffffffffffffffffffffffffffffff"}`,
		`{"sid":"SM0123456789abcdef0123456789abcde\\u0066"}`, `[]`, `{}`, ``,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		sid, segments, ok := readCreated([]byte(s))
		if !ok {
			return
		}
		var m created
		if err := json.Unmarshal([]byte(s), &m); err != nil || m.SID != sid || int(m.NumSegments) != segments {
			t.Errorf("%q: read %q and %d, encoding/json %q and %d (%v)", s, sid, segments, m.SID, m.NumSegments, err)
		}
	})
}

func TestReadCreatedKnowsTheUsualAnswer(t *testing.T) {
	if _, _, ok := readCreated([]byte(createdAnswer)); !ok {
		t.Error("a usual answer takes the slow way")
	}
}
