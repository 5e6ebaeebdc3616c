// Package twiliosign makes and checks the X-Twilio-Signature header of webhooks: base64(HMAC-SHA1(auth token, URL and sorted form)).
//
// The URL is always the configured public one, never rebuilt from Host or X-Forwarded headers, which a caller chooses.
package twiliosign

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the provider's scheme; HMAC-SHA1 is not broken by SHA-1 collisions
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// Header carries the signature.
const Header = "X-Twilio-Signature"

// singletons are the fields that Overture acts on. Two values for one of them mean that signer and reader may disagree about which counts,
// so such a request is refused whatever its signature says.
var singletons = []string{
	"AccountSid", "ApiVersion", "Body", "ErrorCode", "ErrorMessage", "From", "FromCity", "FromCountry", "MessageSid", "MessageStatus",
	"MessagingServiceSid", "NumMedia", "NumSegments", "OptOutType", "SmsMessageSid", "SmsSid", "SmsStatus", "To", "ToCountry",
}

// Sign gives the signature of a form POST to rawURL. A fragment is not signed. Names are sorted byte-wise on the name alone; of a repeated
// name each different value counts once, in sorted order, as the provider's own Node library does it.
func Sign(token, rawURL string, params url.Values) string {
	rawURL, _, _ = strings.Cut(rawURL, "#")
	return base64.StdEncoding.EncodeToString(sum(token, rawURL, flatten(params)))
}

// SignJSON gives the URL with the body's hash (bodySHA256) in its query and the signature of that URL; a JSON body is signed through it.
func SignJSON(token, rawURL string, body []byte) (withHash, signature string) {
	rawURL, _, _ = strings.Cut(rawURL, "#")
	join := "?"
	if strings.Contains(rawURL, "?") {
		join = "&"
	}
	hash := sha256.Sum256(body)
	withHash = rawURL + join + "bodySHA256=" + hex.EncodeToString(hash[:])
	return withHash, base64.StdEncoding.EncodeToString(sum(token, withHash, ""))
}

// Valid tells whether one of the tokens signed a form POST to publicURL. Empty tokens never count. The provider may sign the URL with or
// without its port, so both spellings are tried. Comparison takes the same time for every wrong signature of the right length.
func Valid(tokens []string, publicURL string, params url.Values, signature string) bool {
	for _, name := range singletons {
		if len(params[name]) > 1 {
			return false
		}
	}
	return anySigned(tokens, publicURL, flatten(params), signature)
}

// ValidJSON is Valid for a body that is not a form: the URL alone is signed and carries the body's SHA-256 in lower-case hex.
func ValidJSON(tokens []string, publicURL string, body []byte, signature string) bool {
	_, query, _ := strings.Cut(publicURL, "?")
	values, err := url.ParseQuery(query)
	if err != nil || len(values["bodySHA256"]) != 1 {
		return false
	}
	hash := sha256.Sum256(body)
	if subtle.ConstantTimeCompare([]byte(values.Get("bodySHA256")), []byte(hex.EncodeToString(hash[:]))) != 1 {
		return false
	}
	return anySigned(tokens, publicURL, "", signature)
}

func anySigned(tokens []string, publicURL, form, signature string) bool {
	// Strict and the exact length: one signature has one spelling, whatever a lenient decoder would let pass.
	got, err := base64.StdEncoding.Strict().DecodeString(signature)
	if err != nil || len(got) != sha1.Size || len(signature) != base64.StdEncoding.EncodedLen(sha1.Size) {
		return false
	}
	publicURL, _, _ = strings.Cut(publicURL, "#")
	signed := func(spelling string) bool {
		ok := 0
		for _, token := range tokens {
			if token != "" {
				ok |= subtle.ConstantTimeCompare(got, sum(token, spelling, form))
			}
		}
		return ok == 1
	}
	if signed(publicURL) {
		return true
	}
	other := otherPort(publicURL)
	return other != "" && signed(other)
}

func sum(token, rawURL, form string) []byte {
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(rawURL))
	mac.Write([]byte(form))
	return mac.Sum(make([]byte, 0, sha1.Size))
}

func flatten(params url.Values) string {
	names := make([]string, 0, len(params))
	size := 0
	for name, values := range params {
		names = append(names, name)
		for _, v := range values {
			size += len(name) + len(v)
		}
	}
	slices.Sort(names)
	var b strings.Builder
	b.Grow(size)
	for _, name := range names {
		values := params[name]
		if len(values) > 1 {
			values = slices.Compact(slices.Sorted(slices.Values(values)))
		}
		for _, v := range values {
			b.WriteString(name)
			b.WriteString(v)
		}
	}
	return b.String()
}

// otherPort spells a URL without its port, or with the scheme's default port when it has none.
func otherPort(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return ""
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	host, tail := rest[:end], rest[end:]
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return scheme + "://" + host[:i] + tail
	}
	switch strings.ToLower(scheme) {
	case "https":
		return scheme + "://" + host + ":443" + tail
	case "http":
		return scheme + "://" + host + ":80" + tail
	}
	return ""
}
