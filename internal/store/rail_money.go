package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/phone"
)

// lanePrices are what the messages of a lane cost: the prices its campaign was launched with.
type lanePrices struct {
	currency string
	tariff   overture.Tariff
}

// cost of a message in millionths; ok is false when its destination has no price.
func (p *lanePrices) cost(to overture.Address, segments int64) (money int64, ok bool) {
	each, ok := p.tariff.Of(to)
	return each * segments, ok
}

// pricesOfLane reads the prices of a lane once: a campaign keeps the version it was launched with, and a launch makes a new lane.
func (s *Store) pricesOfLane(ctx context.Context, tx *sql.Tx, lane overture.LaneID) (*lanePrices, error) {
	if known, ok := s.lanePrices.Load(lane); ok {
		return known.(*lanePrices), nil //nolint:forcetypeassert // nothing else is stored
	}
	var account overture.AccountID
	var version int
	var channel overture.Channel
	var provider string
	var sender overture.SenderID
	if err := tx.QueryRowContext(ctx, `SELECT c.account_id, c.price_version, c.channel, sd.provider, sd.id FROM lane l JOIN campaign c ON c.id = l.campaign_id
		JOIN sender sd ON sd.id = l.sender_id WHERE l.id = $1`, lane).Scan(&account, &version, &channel, &provider, &sender); err != nil {
		return nil, fmt.Errorf("prices of lane %s: %w", lane, err)
	}
	table, err := priceTable(ctx, tx, pricesOfVersion, account, version)
	if err != nil {
		return nil, err
	}
	p := &lanePrices{currency: table.Currency, tariff: table.Tariff(channel, provider, sender, phone.CountryOf[overture.Address])}
	if s.lanesPriced.Add(1) > 1000 { // lanes with limits in money are few at a time
		s.lanePrices.Clear()
		s.lanesPriced.Store(0)
	}
	s.lanePrices.Store(lane, p)
	return p, nil
}
