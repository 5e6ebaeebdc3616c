package app

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/egress"
	"github.com/overture-im/overture/internal/kit/phone"
	"github.com/overture-im/overture/internal/outbound/recipient"
)

// checkBaseURL refuses provider addresses this server may not call: public https only, unless it runs with the lab.
func checkBaseURL(o Options) func(string) error {
	return func(url string) error { return egress.CheckURL(url, o.Lab) }
}

// clientIP gives the address that sign-in limits count by; nil means the peer's own.
func clientIP(trustProxy bool) func(r *http.Request) string {
	if !trustProxy {
		return nil
	}
	return func(r *http.Request) string {
		all := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
		return strings.TrimSpace(all[len(all)-1]) // the one our own proxy added; the others anybody can write
	}
}

// parsePhone gives rooms what they need of a number.
func parsePhone(text string) (e164 string, zones []string, err error) {
	n, err := phone.Parse(text)
	return n.E164, n.Zones, err
}

// recheck lets the campaign room have a list looked at again after its text changed.
func recheck(people *recipient.Room) func(context.Context, overture.AccountID, overture.CampaignID) error {
	return func(ctx context.Context, account overture.AccountID, campaign overture.CampaignID) error {
		_, err := people.Recheck(ctx, account, campaign)
		return err
	}
}

// every does a piece of housekeeping now and then. A failure is logged and tried again next time.
func every(d time.Duration, log *slog.Logger, name string, f func(ctx context.Context) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		tick := time.NewTicker(d)
		defer tick.Stop()
		for {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "housekeeping failed; trying again later", "part", name, "error", err)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	}
}
