package app

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"os"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/egress"
	"github.com/overture-im/overture/internal/outbound/dispatch"
	"github.com/overture-im/overture/internal/provider/twilio"
)

// providers is the explicit list of adapters, by the word that stands in a sender.
func providers(o Options) map[string]dispatch.Provider {
	outgoing := egress.New(egress.Options{AllowLoopback: o.Lab, Timeout: o.Send.ClientTimeout, Connections: o.Send.Connections})
	return map[string]dispatch.Provider{
		twilio.Provider: twilio.New(outgoing),
	}
}

// statusCallback is where a provider reports what became of an attempt. Message and token travel in the query, so a receipt finds its
// message without a search and proves an attempt whose answer was lost (R6).
func statusCallback(publicURL string) func(s overture.Sender, m overture.MessageID, token string) string {
	return func(s overture.Sender, m overture.MessageID, token string) string {
		return publicURL + "/hooks/" + s.Provider + "/" + s.WebhookKey + "/status?" + url.Values{"m": {m.String()}, "t": {token}}.Encode()
	}
}

// owner names this process in leases: a restarted node is another owner, so it adopts what its former self left in doubt.
func owner(node int) string {
	host, _ := os.Hostname() // only for people who read the table
	return fmt.Sprintf("node %d %s %s", node, host, rand.Text()[:8])
}
