package forecast

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/overture-im/overture"
)

// census is a campaign's list as the run needs it: what kinds of recipients there are, and in which order they stand. It holds four bytes
// per recipient; a run needs four more. It is never changed after it was taken, so runs share it.
type census struct {
	account  overture.AccountID
	campaign overture.CampaignID
	mark     string    // changes when another census would be taken
	takenAt  time.Time // what is known about opt-outs is of this moment

	places []place
	groups []group
	order  []uint32 // group of every recipient whose message is still to go, in the order of the list
	ended  int      // recipients whose message has gone or ended already
}

// place is what decides when somebody's message may go.
type place struct {
	zones string // as in the list, comma-separated; empty: unknown
	names []string
	// ruling is what active policy packs say about the numbers; nil: nothing.
	ruling *overture.Ruling
}

type placeKey struct {
	zones  string
	ruling *overture.Ruling
}

// group is a kind of recipient: all of one group cost the same and are treated alike.
type group struct {
	place    uint32
	segments uint32
	priced   bool
	micros   int64  // per segment
	skip     string // reason under which the message ends at its turn; empty: it goes
	capped   int64  // over a frequency cap until this, Unix milliseconds; 0: not
}

// keepCensus is for how long a census is used again while the list does not change: what is known of opt-outs grows old.
const keepCensus = time.Minute

// maxKept bounds the memory of remembered censuses, in recipients.
const maxKept = 4_000_000

// taken gives the census of a campaign, a remembered one where nothing has changed. Only one is read at a time.
// whole takes everybody in the list, also those whose message has ended.
func (s *Service) taken(ctx context.Context, c overture.Campaign, prices overture.PriceTable, provider string, whole bool) (*census, error) {
	mark, err := s.Store.ListMark(ctx, c, whole)
	if err != nil {
		return nil, err
	}
	rules, err := s.rules(ctx, c)
	if err != nil {
		return nil, err
	}
	mark = fmt.Sprintf("%s|%t|%s|%s|%s|%d|%s", mark, whole, c.Content.Hash(), c.OpenConversation, c.SenderID, prices.Version, rulesName(rules))
	tariff := prices.Tariff(c.Channel, provider, c.SenderID, s.CountryOf)
	if known := s.remembered(c.ID, mark); known != nil {
		return known, nil
	}
	select {
	case s.reading <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.reading }()
	if known := s.remembered(c.ID, mark); known != nil { // somebody else asked the same
		return known, nil
	}
	out, err := s.take(ctx, c, tariff, rules, whole)
	if err != nil {
		return nil, err
	}
	out.mark = mark
	s.remember(out)
	return out, nil
}

// rules are those the campaign was launched with, or those that its launch would freeze.
func (s *Service) rules(ctx context.Context, c overture.Campaign) (*overture.Rules, error) {
	if s.Rules == nil {
		return nil, nil //nolint:nilnil // no rules narrow nothing, and a nil *Rules says so
	}
	return s.Rules(ctx, c)
}

func rulesName(r *overture.Rules) string {
	if r == nil {
		return ""
	}
	return fmt.Sprintf("%s %+v", r.TZData, r.Policy)
}

func (s *Service) take(ctx context.Context, c overture.Campaign, tariff overture.Tariff, rules *overture.Rules, whole bool) (*census, error) {
	out := &census{account: c.AccountID, campaign: c.ID, takenAt: s.Now(), order: make([]uint32, 0, c.RecipientCount)}
	stopped, err := s.Store.StoppedRecipients(ctx, c)
	if err != nil {
		return nil, err
	}
	b := taking{ctx: ctx, store: s.Store, census: out, whole: whole, tariff: tariff, rules: rules, stopped: stopped, places: map[placeKey]uint32{}, groups: map[group]uint32{}}
	if err := s.Store.EachOutcome(ctx, c.AccountID, c.ID, !whole, b.add); err != nil {
		return nil, err
	}
	return out, b.lookAtCaps()
}

// taking is a census while it is taken.
type taking struct {
	*census
	whole   bool
	ctx     context.Context //nolint:containedctx // of the one call that takes the census
	store   Store
	unasked []capped // whose earlier messages were not looked at yet
	tariff  overture.Tariff
	stopped []overture.StoppedRecipient // in the order of the list; the head is the next
	rules   *overture.Rules             // nil: none
	places  map[placeKey]uint32
	groups  map[group]uint32
}

func (b *taking) add(o overture.ListedOutcome) error {
	for len(b.stopped) > 0 && b.stopped[0].RecipientID < o.RecipientID {
		b.stopped = b.stopped[1:]
	}
	if o.State.Final() && !b.whole {
		b.ended++
		return nil
	}
	to := overture.Address(o.Address)
	ruling := b.rules.For(to)
	at, known := b.places[placeKey{string(o.Zones), ruling}]
	if !known {
		at = uint32(len(b.census.places)) //nolint:gosec // there are fewer sets of zones than zones have subsets in use: some hundreds
		p := place{zones: string(o.Zones), ruling: ruling}
		if p.zones != "" {
			p.names = strings.Split(p.zones, ",")
		}
		b.census.places = append(b.census.places, p)
		b.places[placeKey{p.zones, ruling}] = at
	}
	g := group{place: at, segments: uint32(max(o.Segments, 1))} //nolint:gosec // a message has at most a few hundred segments
	g.micros, g.priced = b.tariff.Of(to)
	if len(b.stopped) > 0 && b.stopped[0].RecipientID == o.RecipientID {
		g.skip = b.stopped[0].Reason
	}
	b.order = append(b.order, b.groupOf(g))
	if ruling.Longest() > 0 {
		b.unasked = append(b.unasked, capped{to, ruling, len(b.order) - 1})
		if len(b.unasked) == askAtOnce {
			return b.lookAtCaps()
		}
	}
	return nil
}

func (b *taking) groupOf(g group) uint32 {
	n, known := b.groups[g]
	if !known {
		n = uint32(len(b.census.groups)) //nolint:gosec // at most one per recipient
		b.census.groups = append(b.census.groups, g)
		b.groups[g] = n
	}
	return n
}

// remembered gives a census that still holds.
func (s *Service) remembered(id overture.CampaignID, mark string) *census {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.recent {
		if c.campaign == id && c.mark == mark && s.Now().Sub(c.takenAt) < keepCensus {
			return c
		}
	}
	return nil
}

// remember keeps the newest censuses, as many as fit.
func (s *Service) remember(c *census) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, room := []*census{c}, maxKept-len(c.order)
	for i := len(s.recent) - 1; i >= 0; i-- {
		old := s.recent[i]
		if room -= len(old.order); old.campaign != c.campaign && room >= 0 && s.Now().Sub(old.takenAt) < keepCensus {
			kept = append([]*census{old}, kept...)
		}
	}
	s.recent = kept
}
