package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store/sqldb"
)

// StoreInbound keeps inbound messages and applies what they ask about consent, in one transaction. The unique index on the provider's id
// makes a message that came before a success without effect (I13). A wish that does not count is kept as none.
func (s *Store) StoreInbound(ctx context.Context, replies []overture.Reply) error {
	return s.db.Transact(ctx, func(tx *sql.Tx) error {
		if err := s.lockBrandsOf(ctx, tx, replies); err != nil {
			return err
		}
		for _, r := range replies {
			if err := s.storeInbound(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// lockBrandsOf locks the brands that somebody stops or starts, in a fixed order.
func (s *Store) lockBrandsOf(ctx context.Context, tx *sql.Tx, replies []overture.Reply) error {
	brands := map[overture.BrandID]overture.AccountID{}
	for _, r := range replies {
		if r.Wish.Kind == overture.WishStop || r.Wish.Kind == overture.WishStart {
			brands[r.BrandID] = r.Inbound.AccountID
		}
	}
	for _, b := range slices.Sorted(maps.Keys(brands)) {
		if err := s.lockBrand(ctx, tx, brands[b], b); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) storeInbound(ctx context.Context, tx *sql.Tx, r overture.Reply) error {
	in := r.Inbound
	counts, err := s.wishCounts(ctx, tx, r)
	if err != nil {
		return err
	}
	if !counts {
		r.Wish = overture.Wish{}
	}
	in.ID = overture.InboundID(s.NewID())
	res, err := tx.ExecContext(ctx, `INSERT INTO inbound (id, account_id, sender_id, provider, provider_id, from_address, to_address, body, media,
			opt_out_type, city, country, wish, alone, message_id, received_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, $15) ON CONFLICT (account_id, provider, provider_id) DO NOTHING`,
		in.ID, in.AccountID, in.SenderID, in.Provider, in.ProviderID, string(in.From), string(in.To), in.Body, in.Media,
		in.OptOutType, in.City, in.Country, string(r.Wish.Kind), r.Wish.Alone, in.ReceivedAt.UnixMilli())
	if err != nil {
		return fmt.Errorf("store inbound: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("store inbound: %w", err)
	}
	if n == 0 {
		return nil
	}
	o := overture.OptOut{
		AccountID: in.AccountID, BrandID: r.BrandID, Channel: r.Channel, Address: in.From, Source: r.Wish.Source,
		Evidence: in.ID.String(), Review: !r.Wish.Certain, CreatedAt: in.ReceivedAt,
	}
	switch r.Wish.Kind {
	case overture.WishStop:
		_, err = s.applyOptOut(ctx, tx, o)
	case overture.WishStart:
		_, err = s.applyOptIn(ctx, tx, o)
	case overture.NoWish, overture.WishHelp:
	}
	return err
}

// wishCounts settles what only the database knows: YES is a wish only of a person who is opted out, and an account's everyday words are
// none while the person is in a conversation.
func (s *Store) wishCounts(ctx context.Context, tx *sql.Tx, r overture.Reply) (bool, error) {
	if r.Wish.OnlyOptedOut {
		out, err := isOptedOut(ctx, tx, r.Inbound.AccountID, r.BrandID, r.Channel, r.Inbound.From)
		if err != nil || !out {
			return false, err
		}
	}
	if r.Wish.NotInDialogue {
		_, open, err := s.openConversation(ctx, tx, r.BrandID, r.Channel, r.Inbound.From)
		if err != nil || open {
			return false, err
		}
	}
	return true, nil
}

// PendingReplies reads stored inbound messages that nobody has matched yet, oldest first.
func (s *Store) PendingReplies(ctx context.Context, limit int) ([]overture.Reply, error) {
	rows, err := s.db.Read.QueryContext(ctx, `SELECT i.id, i.account_id, i.sender_id, i.provider, i.provider_id, i.from_address, i.to_address, i.body, i.media,
			i.opt_out_type, i.city, i.country, i.wish, i.alone, i.received_at, s.brand_id, s.channel, b.name
		FROM inbound i JOIN sender s ON s.id = i.sender_id JOIN brand b ON b.id = s.brand_id
		WHERE i.processed_at IS NULL ORDER BY i.id LIMIT $1`, limit)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("read pending replies: %w", err))
	}
	defer rows.Close()
	var replies []overture.Reply
	for rows.Next() {
		var r overture.Reply
		var at int64
		in := &r.Inbound
		if err := rows.Scan(&in.ID, &in.AccountID, &in.SenderID, &in.Provider, &in.ProviderID, &in.From, &in.To, &in.Body, &in.Media,
			&in.OptOutType, &in.City, &in.Country, &r.Wish.Kind, &r.Wish.Alone, &at, &r.BrandID, &r.Channel, &r.BrandName); err != nil {
			return nil, fmt.Errorf("read pending replies: %w", err)
		}
		in.ReceivedAt = time.UnixMilli(at).UTC()
		r.Wish.Answered = r.Wish.Kind == overture.WishHelp && strings.EqualFold(strings.TrimSpace(in.OptOutType), "HELP")
		replies = append(replies, r)
	}
	return replies, sqldb.Trouble(rows.Err())
}

// sentAt is the start of the newest attempt; message rows that know no attempt fall back on when they were accepted.
const sentAt = `COALESCE(f.started_at, a.started_at, m.accepted_at, m.updated_at)`

// OutboundsTo reads the campaign messages of a brand that reached the addresses, or may have, and whose lookback was not over at the
// given time. Oldest first.
func (s *Store) OutboundsTo(ctx context.Context, account overture.AccountID, brand overture.BrandID, addresses []overture.Address, at time.Time) ([]overture.Outbound, error) {
	condition, arg := sqldb.In(s.db, "ra.address", 5, addresses)
	return s.outbounds(ctx, condition+` AND `+sentAt+` + c.lookback > $6`, account, brand, arg, at.UnixMilli())
}

// RecentOutbounds reads what of a brand's campaigns reached one person since a time, or may have. Oldest first.
func (s *Store) RecentOutbounds(ctx context.Context, account overture.AccountID, brand overture.BrandID, address overture.Address, since time.Time) ([]overture.Outbound, error) {
	return s.outbounds(ctx, `ra.address = $5 AND `+sentAt+` >= $6`, account, brand, string(address), since.UnixMilli())
}

// outbounds counts as sent: accepted and later, in flight, unknown, held.
func (s *Store) outbounds(ctx context.Context, condition string, account overture.AccountID, brand overture.BrandID, args ...any) ([]overture.Outbound, error) {
	args = append([]any{account, brand, overture.Accepted, overture.Held}, args...)
	rows, err := s.db.Read.QueryContext(ctx, `SELECT m.id, m.state, COALESCE(f.state, ''), c.id, c.name, c.skill_id, c.lookback, c.text, c.opt_out_text, c.smart_encoding,
			r.address, r.text, r.vars, COALESCE(l.header, ''), `+sentAt+` AS sent_at
		FROM recipient_address ra
		JOIN recipient r ON r.id = ra.recipient_id
		JOIN campaign c ON c.id = r.campaign_id
		JOIN message m ON m.campaign_id = r.campaign_id AND m.campaign_id > 0 AND m.recipient_id = r.id
		LEFT JOIN list_import l ON l.id = r.import_id
		LEFT JOIN inflight f ON f.message_id = m.id
		LEFT JOIN attempt a ON a.message_id = m.id AND a.n = m.attempts
		WHERE r.account_id = $1 AND c.brand_id = $2 AND (m.state >= $3 OR m.state = $4 OR f.message_id IS NOT NULL) AND `+condition+`
		ORDER BY sent_at, m.id`, args...)
	if err != nil {
		return nil, sqldb.Trouble(fmt.Errorf("read outbound messages: %w", err))
	}
	defer rows.Close()
	var out []overture.Outbound
	for rows.Next() {
		o, err := scanOutbound(rows)
		if err != nil {
			return nil, fmt.Errorf("read outbound messages: %w", err)
		}
		out = append(out, o)
	}
	return out, sqldb.Trouble(rows.Err())
}

func scanOutbound(rows *sql.Rows) (o overture.Outbound, err error) {
	var lookback, sent int64
	var vars, header, marker string
	if err := rows.Scan(&o.MessageID, &o.State, &marker, &o.CampaignID, &o.CampaignName, &o.SkillID, &lookback, &o.Content.Text, &o.Content.OptOutText,
		&o.Content.SmartEncoding, &o.Address, &o.Personal.Text, &vars, &header, &sent); err != nil {
		return o, err
	}
	o.State = liveState(o.State, marker)
	o.Lookback, o.SentAt = time.Duration(lookback)*time.Millisecond, time.UnixMilli(sent).UTC()
	if o.Personal.Values, err = stringList(vars); err != nil {
		return o, fmt.Errorf("variables of %s: %w", o.MessageID, err)
	}
	columns, err := stringList(header)
	if err != nil {
		return o, fmt.Errorf("header of the list of %s: %w", o.CampaignID, err)
	}
	o.Personal.Names = variableNames(columns)
	return o, nil
}

// liveState reads attempting and unknown from the in-flight marker: they are never stored in the message.
func liveState(s overture.State, marker string) overture.State {
	switch marker {
	case "attempting":
		return overture.Attempting
	case "unknown":
		return overture.Unknown
	}
	return s
}

// ApplyReplies puts matched replies into their conversations, in one transaction: the inbound is marked as processed, the answered message
// gets its reply, an open conversation its entries; otherwise a new one opens, unless the person only said stop, start or help. A reply
// that was applied before is passed over, so a batch can be repeated after a crash. It tells how many were applied now.
func (s *Store) ApplyReplies(ctx context.Context, replies []overture.Reply, now time.Time) (applied int, err error) {
	err = s.db.Transact(ctx, func(tx *sql.Tx) error {
		applied = 0
		counts := newCountDeltas()
		fresh, err := s.takeReplies(ctx, tx, replies, counts, now)
		if err != nil {
			return err
		}
		for _, r := range fresh {
			if err := s.applyReply(ctx, tx, r, now); err != nil {
				return fmt.Errorf("apply %s: %w", r.Inbound.ID, err)
			}
		}
		applied = len(fresh)
		return s.writeCounts(ctx, tx, counts)
	})
	return applied, err
}

// takeReplies marks the inbounds as processed and the messages as answered, in the order of their ids so that two transactions never
// wait for each other in a circle, and gives back those that nobody had processed.
func (s *Store) takeReplies(ctx context.Context, tx *sql.Tx, replies []overture.Reply, counts countDeltas, now time.Time) ([]overture.Reply, error) {
	var fresh []overture.Reply
	answered := map[overture.MessageID]answer{}
	for _, r := range replies {
		res, err := tx.ExecContext(ctx, `UPDATE inbound SET processed_at = $1, message_id = $2 WHERE id = $3 AND account_id = $4 AND processed_at IS NULL`,
			now.UnixMilli(), r.Outbound.MessageID, r.Inbound.ID, r.Inbound.AccountID)
		if err != nil {
			return nil, fmt.Errorf("mark inbound as processed: %w", err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return nil, fmt.Errorf("mark inbound as processed: %w", err)
		}
		if n == 0 {
			continue
		}
		fresh = append(fresh, r)
		if id := r.Outbound.MessageID; id != 0 {
			answered[id] = answered[id].and(r)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(answered)) {
		if err := answered[id].mark(ctx, tx, counts, id); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

// answer is what the replies of a batch say to one message: when the first came, and when the first that stops the brand.
type answer struct {
	account            overture.AccountID
	repliedAt, stopped time.Time
}

func (a answer) and(r overture.Reply) answer {
	at := r.Inbound.ReceivedAt
	if a.account = r.Inbound.AccountID; a.repliedAt.IsZero() || at.Before(a.repliedAt) {
		a.repliedAt = at
	}
	if r.Wish.Kind == overture.WishStop && (a.stopped.IsZero() || at.Before(a.stopped)) {
		a.stopped = at
	}
	return a
}

func (a answer) mark(ctx context.Context, tx *sql.Tx, counts countDeltas, id overture.MessageID) error {
	if err := markReplied(ctx, tx, counts, a.account, id, a.repliedAt.UnixMilli()); err != nil || a.stopped.IsZero() {
		return err
	}
	return markStopped(ctx, tx, counts, a.account, id, a.stopped.UnixMilli())
}

func (s *Store) applyReply(ctx context.Context, tx *sql.Tx, r overture.Reply, now time.Time) error {
	c, open, err := s.openConversation(ctx, tx, r.BrandID, r.Channel, r.Inbound.From)
	if err != nil {
		return err
	}
	if !open && (r.Wish.Kind == overture.NoWish || !r.Wish.Alone) {
		if c, err = s.beginConversation(ctx, tx, r); err != nil {
			return err
		}
		open = true
	}
	if open {
		if err := s.appendReply(ctx, tx, c, r); err != nil {
			return err
		}
	}
	return s.answerHelp(ctx, tx, c, r, now)
}

// appendReply writes the person's words into the transcript, after the outbound they answer when it is not there yet (I2).
func (s *Store) appendReply(ctx context.Context, tx *sql.Tx, c overture.ConversationID, r overture.Reply) error {
	in := r.Inbound
	if r.Outbound.MessageID != 0 {
		var there int
		err := tx.QueryRowContext(ctx, `SELECT 1 FROM entry WHERE conversation_id = $1 AND message_id = $2 AND author = $3`,
			c, r.Outbound.MessageID, string(overture.AuthorBrand)).Scan(&there)
		if errors.Is(err, sql.ErrNoRows) {
			_, err = s.addEntry(ctx, tx, overture.Entry{
				ConversationID: c, AccountID: in.AccountID, Author: overture.AuthorBrand,
				MessageID: r.Outbound.MessageID, Text: string(r.Outbound.Text), CreatedAt: r.Outbound.SentAt,
			})
		}
		if err != nil {
			return fmt.Errorf("write the outbound's entry: %w", err)
		}
	}
	if _, err := s.addEntry(ctx, tx, overture.Entry{
		ConversationID: c, AccountID: in.AccountID, Author: overture.AuthorConsumer, InboundID: in.ID,
		Text: entryText(in), CreatedAt: in.ReceivedAt,
	}); err != nil {
		return err
	}
	if said := wishNote(r.Wish.Kind); said != "" {
		if _, err := s.addEntry(ctx, tx, overture.Entry{ConversationID: c, AccountID: in.AccountID, Author: overture.AuthorSystem, Text: said, CreatedAt: in.ReceivedAt}); err != nil {
			return err
		}
	}
	// The answer goes out from the number the person wrote to last.
	if _, err := tx.ExecContext(ctx, `UPDATE conversation SET unread = unread + 1, sender_id = $1, updated_at = $2 WHERE id = $3`,
		in.SenderID, in.ReceivedAt.UnixMilli(), c); err != nil {
		return fmt.Errorf("count unread: %w", err)
	}
	return nil
}

func wishNote(k overture.WishKind) string {
	switch k {
	case overture.WishStop:
		return "The person opted out. Nothing more is sent to them."
	case overture.WishStart:
		return "The person opted in again."
	case overture.NoWish, overture.WishHelp:
	}
	return ""
}

// entryText is what the transcript shows of an inbound message. Attachments stay with the provider.
func entryText(in overture.Inbound) string {
	note := ""
	switch {
	case in.Media == 1:
		note = "[1 attachment]"
	case in.Media > 1:
		note = fmt.Sprintf("[%d attachments]", in.Media)
	}
	return strings.TrimSpace(in.Body + "\n" + note)
}

// helpPause is how long one answer to HELP lasts, so that two machines never talk to each other without end.
const helpPause = time.Minute

// answerHelp queues our answer to HELP ahead of campaign traffic. Who stopped gets none from us: the provider would refuse it.
func (s *Store) answerHelp(ctx context.Context, tx *sql.Tx, c overture.ConversationID, r overture.Reply, now time.Time) error {
	in := r.Inbound
	if r.Answer == "" {
		return nil
	}
	out, err := isOptedOut(ctx, tx, in.AccountID, r.BrandID, r.Channel, in.From)
	if err != nil || out {
		return err
	}
	var lately int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM consent_event WHERE account_id = $1 AND address = $2 AND brand_id = $3 AND kind = $4 AND at > $5`,
		in.AccountID, string(in.From), r.BrandID, string(overture.ConsentHelp), now.Add(-helpPause).UnixMilli()).Scan(&lately); err != nil {
		return fmt.Errorf("look for an answer to HELP: %w", err)
	}
	if lately > 0 {
		return nil
	}
	if err := s.consentEvent(ctx, tx, overture.ConsentHelp, overture.OptOut{
		AccountID: in.AccountID, BrandID: r.BrandID, Channel: r.Channel, Address: in.From,
		Source: overture.OptOutKeyword, Evidence: in.ID.String(), CreatedAt: now,
	}); err != nil {
		return err
	}
	m := overture.Message{ID: overture.MessageID(s.NewID()), AccountID: in.AccountID, SenderID: in.SenderID, Address: in.From, Body: string(r.Answer), Segments: r.Segments}
	if c != 0 {
		if m.EntryID, err = s.addEntry(ctx, tx, overture.Entry{
			ConversationID: c, AccountID: in.AccountID, Author: overture.AuthorSystem, MessageID: m.ID,
			Text: m.Body, CreatedAt: now,
		}); err != nil {
			return err
		}
	}
	_, err = s.enqueueDirect(ctx, tx, m, now, now.Add(answerValidity))
	return err
}
