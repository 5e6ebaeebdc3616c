package lab

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio's signature is HMAC-SHA1
	"encoding/base64"
	"io"
	"maps"
	"net/url"
	"slices"
)

// sign makes X-Twilio-Signature: the URL, then each parameter's name and value, sorted by name.
func sign(token, target string, params url.Values) string {
	mac := hmac.New(sha1.New, []byte(token))
	_, _ = io.WriteString(mac, target)
	for _, name := range slices.Sorted(maps.Keys(params)) {
		_, _ = io.WriteString(mac, name)
		_, _ = io.WriteString(mac, params.Get(name))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
