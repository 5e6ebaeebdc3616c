package forecast

import (
	"context"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/tz"
)

// Wish changes what is forecast. The zero value forecasts the campaign as it stands.
type Wish struct {
	LaunchAt *time.Time // of a draft; the zero time: now
	Rate     int        // segments per second of the campaign; 0: its own

	ListAsChecked bool // rather no forecast than to check a draft's list against a text that somebody is still writing
}

// Forecast is what will happen to a campaign, as far as it can be known.
type Forecast struct {
	CampaignID overture.CampaignID
	MadeAt     time.Time
	KnownAt    time.Time // opt-outs and open conversations are of this moment
	State      overture.CampaignState
	StartAt    time.Time // when the virtual clock started: the launch, or now
	Rate       int       // of the campaign, segments per second
	SenderRate int
	TZData     string // version of the time-zone data
	Rules      string // policy packs in force; empty: none

	Recipients int // whose message is still to go
	Ended      int // whose message has gone or ended before StartAt
	Cell
	FirstSendAt time.Time // zero: nobody is sent to
	LastSendAt  time.Time
	FinishAt    time.Time // when the last message has gone or ended

	Currency     string // empty: the account has no prices
	PriceVersion int

	Hours []Hour
	Zones []Zone

	Bound  Bound
	Words  []overture.Sentence // why it takes as long as it does, what stands out, what another rate would change
	Faster []Option
	Others []Other // campaigns that share the sender's rate meanwhile
	Notes  []overture.Sentence
	Stop   *Stop // a spend limit pauses it before its end; nil: none does
}

// Other is a campaign that shares the sender.
type Other struct {
	CampaignID overture.CampaignID
	Name       string
	Waiting    int
}

// Make forecasts a draft or a launched campaign that has not ended. Invalid: the draft has no recipients or no text. Conflict: its list is
// still being loaded, or unchecked where the wish leaves it so, or the campaign is over. Unavailable: this node makes others.
func (s *Service) Make(ctx context.Context, account overture.AccountID, id overture.CampaignID, w Wish) (Forecast, error) {
	c, err := s.Store.Campaign(ctx, account, id)
	if err != nil {
		return Forecast{}, err
	}
	done, err := s.Turn(ctx)
	if err != nil {
		return Forecast{}, err
	}
	defer done()
	if err := s.ready(ctx, c, w); err != nil {
		return Forecast{}, err
	}
	return s.forecast(ctx, c, w, s.Now(), c.State == overture.Draft)
}

// ready refuses what cannot be forecast, with words that say what is missing.
func (s *Service) ready(ctx context.Context, c overture.Campaign, w Wish) error {
	if c.State == overture.Completed || c.State == overture.CampaignCanceled {
		return overture.ErrConflict("campaign_over", "the campaign is "+string(c.State)+": nothing is left to forecast; its forecast of the launch can be compared with what happened")
	}
	list, err := s.Lists.Summary(ctx, c.AccountID, c.ID)
	if err != nil {
		return err
	}
	if list.Stale && c.State == overture.Draft && w.ListAsChecked {
		return overture.ErrConflict("list_unchecked", "the text was changed after the list was checked; the forecast follows the check")
	}
	if list.Stale && c.State == overture.Draft && s.Recheck != nil {
		if err := s.Recheck(ctx, c.AccountID, c.ID); err != nil {
			return err
		}
		if list, err = s.Lists.Summary(ctx, c.AccountID, c.ID); err != nil { // who is valid changes with the text
			return err
		}
	}
	switch {
	case list.Loading:
		return overture.ErrConflict("list_loading", "the list is being loaded or removed; try again when it is done")
	case list.Valid == 0:
		return overture.ErrInvalid("no_recipients", "the campaign has no valid recipients; add some first")
	case c.Content.Text != "":
		return nil
	}
	textless, err := s.Store.AnyWithoutText(ctx, c.ID)
	if err == nil && textless {
		return overture.ErrInvalid("no_text", "the campaign has no text, and some recipients have none of their own; write a text first")
	}
	return err
}

// forecast plays the campaign from now on; whole: with everybody in the list, as if nothing had gone yet.
func (s *Service) forecast(ctx context.Context, c overture.Campaign, w Wish, now time.Time, whole bool) (Forecast, error) {
	sender, err := s.Store.Sender(ctx, c.AccountID, c.SenderID)
	if err != nil {
		return Forecast{}, err
	}
	prices, err := s.Store.CampaignPrices(ctx, c.AccountID, c.ID)
	if err != nil {
		return Forecast{}, err
	}
	list, err := s.taken(ctx, c, prices, sender.Provider, whole)
	if err != nil {
		return Forecast{}, err
	}
	others, err := s.Store.OtherLoads(ctx, c, now)
	if err != nil {
		return Forecast{}, err
	}
	account, err := s.Store.CampaignRailed(ctx, c)
	if err != nil {
		return Forecast{}, err
	}
	left := overture.Railed{}
	if !whole {
		left = account
	}
	stage := scene{
		rails:  railsAt(c, len(list.order), list.ended, left, whole),
		census: list, windows: s.Windows, window: c.Window, start: upToMillisecond(now), launchAt: c.LaunchAt, expiresAt: c.ExpiresAt,
		rate: c.Rate, senderRate: sender.Rate, others: others,
	}
	if w.LaunchAt != nil && c.State == overture.Draft {
		stage.launchAt = *w.LaunchAt
	}
	if w.Rate > 0 {
		stage.rate = w.Rate
	}
	// Nothing goes before the launch can no longer be taken back.
	undo := c.UndoUntil
	if c.State == overture.Draft {
		undo = stage.start.Add(time.Duration(c.UndoSeconds) * time.Second)
	}
	if undo.After(stage.launchAt) {
		stage.launchAt = undo
	}
	t, err := play(ctx, stage)
	if err != nil {
		return Forecast{}, err
	}
	f := t.forecast(stage)
	f.Stop = t.stop
	f.CampaignID, f.State, f.MadeAt, f.KnownAt, f.Ended = c.ID, c.State, s.Now().UTC(), list.takenAt.UTC(), list.ended
	f.TZData, f.Currency, f.PriceVersion, f.Rules = tz.Version(), prices.Currency, prices.Version, packsOf(list)
	if err := explain(ctx, &f, stage, t); err != nil {
		return Forecast{}, err
	}
	f.Words = append(railWords(stage, t), f.Words...)
	f.Notes = append(f.Notes, notes(c, sender, stage)...)
	f.Notes = append(f.Notes, dayLimitNotes(account, f)...)
	return f, nil
}

// upToMillisecond rounds up: nothing goes before its time.
func upToMillisecond(t time.Time) time.Time {
	return t.Add(time.Millisecond - 1).Truncate(time.Millisecond).UTC()
}

// forecast turns the tally of a run into what people read.
func (t *tally) forecast(s scene) Forecast {
	f := Forecast{
		StartAt: s.start, Rate: s.rate, SenderRate: s.senderRate, Recipients: len(t.census.order), Cell: t.total, Hours: t.hours, Zones: t.zonesOf(),
		FinishAt: time.UnixMilli(t.base + int64(t.endedAt*1000)).UTC(),
	}
	if s.launchAt.After(s.start) {
		f.StartAt = s.launchAt.UTC()
	}
	for _, z := range f.Zones {
		f.FirstSendAt = earlier(f.FirstSendAt, z.FirstSendAt)
		if z.LastSendAt.After(f.LastSendAt) {
			f.LastSendAt = z.LastSendAt
		}
	}
	for _, o := range s.others {
		n := 0
		for _, g := range o.Groups {
			n += g.Messages
		}
		if n > 0 {
			f.Others = append(f.Others, Other{o.CampaignID, o.Name, n})
		}
	}
	return f
}

// packsOf names the packs whose rules apply to somebody in the list.
func packsOf(c *census) string {
	seen := map[string]bool{}
	var names []string
	for _, p := range c.places {
		if p.ruling == nil {
			continue
		}
		for _, r := range p.ruling.Rules {
			if ref := r.Pack.String(); !seen[ref] {
				seen[ref] = true
				names = append(names, ref)
			}
		}
	}
	return joined(names)
}
