package campaign

import (
	"context"
	"strings"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/segment"
)

// testValidity is how long a test send may wait: a person is looking at a phone.
const testValidity = 10 * time.Minute

// TestSend sends the campaign's text to one number, ahead of campaign traffic and outside every window (C6). Variables show their own name
// in brackets: no recipient's data goes to a number that somebody typed. Opted-out numbers are refused.
func (s *Service) TestSend(ctx context.Context, by overture.Actor, id overture.CampaignID, to string) (overture.Message, error) {
	var m overture.Message
	c, err := s.store.Campaign(ctx, by.AccountID, id)
	if err != nil {
		return m, err
	}
	sender, err := s.store.Sender(ctx, by.AccountID, c.SenderID)
	if err != nil {
		return m, err
	}
	if sender.Stopped {
		return m, overture.ErrConflict("sender_stopped", "the sender is stopped: "+sender.StopReason+"; start it first")
	}
	number, _, err := s.parsePhone(to)
	if err != nil {
		return m, &overture.Error{
			Kind: overture.Invalid, Code: "invalid_number", Message: err.Error(),
			Fields: []overture.Field{{Location: "body.to", Message: err.Error()}},
		}
	}
	stopped, err := s.store.IsOptedOut(ctx, by.AccountID, c.BrandID, c.Channel, overture.Address(number))
	if err != nil {
		return m, err
	}
	if stopped {
		return m, overture.ErrConflict("opted_out", "this number opted out of the brand; it can come back by sending START")
	}
	body, err := testText(c.Content)
	if err != nil {
		return m, err
	}
	now := time.Now()
	m = overture.Message{AccountID: by.AccountID, SenderID: c.SenderID, Address: overture.Address(number), Body: body, Segments: segment.Measure(body).Segments}
	if m, err = s.store.TestSend(ctx, by, c.ID, m, now, now.Add(testValidity)); err != nil {
		return m, err
	}
	s.wake("dispatch")
	return m, nil
}

func testText(content overture.Content) (string, error) {
	if strings.TrimSpace(content.Text) == "" {
		return "", overture.ErrInvalid("no_text", "the campaign has no text of its own to test; write one, or look at the preview of each recipient")
	}
	sample := overture.Personal{Names: map[string]int{}}
	for i, name := range content.Variables() {
		sample.Names[name] = i
		sample.Values = append(sample.Values, "["+name+"]")
	}
	text, err := content.For(sample)
	if err == nil && content.SmartEncoding {
		text = segment.Smart(text)
	}
	return text, err
}
