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
	"github.com/overture-im/overture/internal/kit/tz"
	"github.com/overture-im/overture/internal/outbound/policy"
	"github.com/overture-im/overture/internal/outbound/recipient"
	"github.com/overture-im/overture/internal/outbound/schedule"
	"github.com/overture-im/overture/internal/store"
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
		// The last one is what our own proxy added; the others anybody can write. Some proxies add it as a header line of its own.
		all := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		return strings.TrimSpace(all[len(all)-1])
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

// countryOf tells forecasts and limits the country of a number.
func countryOf(a overture.Address) (country string, codeDigits int) { return phone.CountryOf(a) }

// rulesOf gives the rules a campaign was launched with, or those that a launch would freeze now.
func rulesOf(db *store.Store) func(context.Context, overture.Campaign) (*overture.Rules, error) {
	return func(ctx context.Context, c overture.Campaign) (*overture.Rules, error) {
		if c.Rules != nil {
			return c.Rules, nil
		}
		account, err := db.Account(ctx, c.AccountID)
		if err != nil {
			return nil, err
		}
		chosen := account.Settings.WithDefaults().Policy
		rulings, err := policy.Rulings(chosen)
		return &overture.Rules{TZData: tz.Version(), Policy: chosen, Rulings: rulings}, err
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

// decide hands the planner's decision to the policy room, which simulates policies with it.
func decide(calendar *schedule.Calendar) func(time.Time, overture.Recipient, []time.Time, overture.Campaign, *overture.Rules) policy.Slot {
	return func(now time.Time, r overture.Recipient, contacts []time.Time, c overture.Campaign, rules *overture.Rules) policy.Slot {
		d := calendar.Decide(now, schedule.Person{Address: r.Address, Zones: r.Zones, Contacts: contacts},
			schedule.Frame{Window: c.Window, Rules: rules, LaunchAt: c.LaunchAt, ExpiresAt: c.ExpiresAt})
		return policy.Slot{Due: d.Due, Skip: d.Skip, Rule: d.Rule}
	}
}
