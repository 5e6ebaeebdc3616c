package app

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"os"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/egress"
	"github.com/overture-im/overture/internal/outbound/dispatch"
	"github.com/overture-im/overture/internal/outbound/receipt"
	"github.com/overture-im/overture/internal/provider/twilio"
)

// providers is the explicit list of adapters, by the word that stands in a sender: for sending, and for questions about single messages.
func providers(o Options) (map[string]dispatch.Provider, map[string]receipt.Source) {
	// Kept idle per host, and all senders of a provider share its host: with one sender's number, many would dial for every message.
	const idle = 4096
	outgoing := egress.New(egress.Options{AllowLoopback: o.Lab, Timeout: o.Send.ClientTimeout, Connections: idle, MaxBody: twilio.LongestAnswer})
	t := twilio.New(outgoing)
	return map[string]dispatch.Provider{twilio.Provider: t}, map[string]receipt.Source{twilio.Provider: t}
}

// statusCallback is where a provider reports what became of an attempt. Message and token travel in the query, so a receipt finds its
// message without a search and proves an attempt whose answer was lost (R6).
func statusCallback(publicURL string) func(s overture.Sender, m overture.MessageID, token string) string {
	return func(s overture.Sender, m overture.MessageID, token string) string {
		return publicURL + "/hooks/" + s.Provider + "/" + s.WebhookKey + "/status?m=" + m.String() + "&t=" + url.QueryEscape(token)
	}
}

// owner names this process in leases: a restarted node is another owner, so it adopts what its former self left in doubt.
func owner(node int) string {
	host, _ := os.Hostname() // only for people who read the table
	return fmt.Sprintf("node %d %s %s", node, host, rand.Text()[:8])
}
