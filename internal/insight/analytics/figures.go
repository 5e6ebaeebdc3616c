// Package analytics turns counters into the figures that people are judged by, each with its definition beside it.
//
//	Does:   success, handset success, response and opt-out rates, as fractions that can be recounted
//	Reads:  campaign counters, messages with a response
//	Writes: nothing
//	Wakes:  nobody
package analytics

import (
	"context"

	"github.com/overture-im/overture"
)

// Counters reads what the figures are made of.
type Counters interface {
	FigureCounts(ctx context.Context, f overture.FigureFilter) (overture.FigureCounts, error)
	Skill(ctx context.Context, account overture.AccountID, id overture.SkillID) (overture.Skill, error)
	Campaign(ctx context.Context, account overture.AccountID, id overture.CampaignID) (overture.Campaign, error)
	Series
}

// Figure is a rate that shows what it is made of.
type Figure struct {
	Numerator   int
	Denominator int
	Ratio       float64 // 0 when the denominator is 0: see Known
	Known       bool
	Definition  string
}

// Figures of a selection of campaigns (B2, H1).
type Figures struct {
	Campaigns      int
	Recipients     int // that have a message
	Sent           int
	Accepted       int
	Delivered      int
	Failed         int // refused by the provider, or undelivered by the carrier
	Success        Figure
	HandsetSuccess Figure
	Response       Figure
	OptOuts        Figure
}

// The definitions, as they are shown beside the figures. Sources: the vendor guides (S); where they are silent, the choice is ours.
const (
	defSuccess = "messages the provider accepted ÷ messages sent; sent are those that were handed to the provider and came to an end: " +
		"accepted, refused, or unresolved (held); not those suppressed, canceled, expired or still waiting"
	defHandset  = "messages with a delivery receipt from the handset ÷ messages sent, counted as in the success rate"
	defResponse = "messages with a response, STOP included ÷ messages the provider accepted; a response belongs to the newest message inside its lookback"
	defOptOuts  = "people who opted out in answer to a message, by their own words or through an agent ÷ messages the provider accepted; " +
		"a person who got several campaigns counts once for each of them below the line"
)

// Reader computes figures.
type Reader struct{ counters Counters }

// New makes a reader.
func New(c Counters) *Reader { return &Reader{counters: c} }

// Figures adds up the launched campaigns of the filter. The dates are those of the launch: a campaign's messages and their answers count
// where it was launched. Unknown skills and campaigns, also those of another account, are NotFound. Cost: counters and answers only.
func (r *Reader) Figures(ctx context.Context, f overture.FigureFilter) (Figures, error) {
	if !f.From.IsZero() && !f.To.IsZero() && !f.To.After(f.From) {
		return Figures{}, &overture.Error{
			Kind: overture.Invalid, Code: "bad_range", Message: "the range is empty: from must be before to",
			Fields: []overture.Field{{Location: "query.to", Message: "must be after from"}},
		}
	}
	for _, id := range f.Skills {
		if _, err := r.counters.Skill(ctx, f.AccountID, id); err != nil {
			return Figures{}, err
		}
	}
	for _, id := range f.Campaigns {
		if _, err := r.counters.Campaign(ctx, f.AccountID, id); err != nil {
			return Figures{}, err
		}
	}
	c, err := r.counters.FigureCounts(ctx, f)
	if err != nil {
		return Figures{}, err
	}
	return figures(c), nil
}

func figures(c overture.FigureCounts) Figures {
	out := Figures{
		Campaigns: c.Campaigns, Recipients: c.Counts.Total(), Accepted: c.Counts.AcceptedOrLater(),
		Delivered: c.Counts[overture.Delivered] + c.Counts[overture.Read], Failed: c.Counts[overture.Failed] + c.Counts[overture.Undelivered],
	}
	out.Sent = out.Accepted + c.Counts[overture.Failed] + c.Counts[overture.Held]
	out.Success = figure(out.Accepted, out.Sent, defSuccess)
	out.HandsetSuccess = figure(out.Delivered, out.Sent, defHandset)
	out.Response = figure(c.Replied, out.Accepted, defResponse)
	out.OptOuts = figure(c.OptedOut, out.Accepted, defOptOuts)
	return out
}

func figure(numerator, denominator int, definition string) Figure {
	f := Figure{Numerator: numerator, Denominator: denominator, Known: denominator > 0, Definition: definition}
	if f.Known {
		f.Ratio = float64(numerator) / float64(denominator)
	}
	return f
}
