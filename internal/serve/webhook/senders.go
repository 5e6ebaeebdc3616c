package webhook

import (
	"context"
	"sync"
	"time"

	"github.com/overture-im/overture"
)

// senderLife is how long a sender is remembered: a changed token counts after this time at the latest.
const senderLife = 5 * time.Second

// senderCache saves a read and a decryption per receipt. Unknown keys are not remembered: anybody can make them up.
type senderCache struct {
	from Senders
	now  func() time.Time
	mu   sync.RWMutex
	kept map[string]keptSender
}

type keptSender struct {
	sender overture.Sender
	tokens []string
	until  time.Time
}

func newSenderCache(from Senders, now func() time.Time) *senderCache {
	return &senderCache{from: from, now: now, kept: map[string]keptSender{}}
}

// find gives the sender of a path and the tokens that sign for it.
func (c *senderCache) find(ctx context.Context, provider, key string) (keptSender, error) {
	now := c.now()
	c.mu.RLock()
	k, ok := c.kept[key]
	c.mu.RUnlock()
	if ok && now.Before(k.until) {
		return k, nil
	}
	unknown := overture.ErrNotFound("webhook")
	if !isKey(key) {
		return keptSender{}, unknown
	}
	s, err := c.from.SenderByWebhookKey(ctx, key)
	if overture.KindOf(err) == overture.NotFound && err != nil || err == nil && s.Provider != provider {
		c.mu.Lock()
		delete(c.kept, key)
		c.mu.Unlock()
		return keptSender{}, unknown
	}
	if err != nil {
		return keptSender{}, err
	}
	k = keptSender{sender: s, tokens: []string{s.AuthToken.Reveal(), s.SecondAuthToken.Reveal()}, until: now.Add(senderLife)}
	c.mu.Lock()
	c.kept[key] = k
	c.mu.Unlock()
	return k, nil
}

// isKey tells whether a path segment can be a webhook key; anything else does not reach the database.
func isKey(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' {
			return false
		}
	}
	return true
}
