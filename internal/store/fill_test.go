package store_test

import (
	"testing"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/store"
)

// A filling is what the figures stand on: every promise that verify checks holds for it, and a receipt finds its message.
func TestFillFinishedIsWhatSendingLeaves(t *testing.T) {
	s, p, messages := planned(t)
	if ok, err := s.WritePlan(t.Context(), p, messages, true, p.LaunchAt); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := s.FillFinished(t.Context(), store.Filling{Like: p.CampaignID, State: overture.Accepted, Messages: 250}, 5000); err != nil {
		t.Fatal(err)
	}
	broken, err := s.BrokenInvariants(t.Context())
	if err != nil || len(broken) > 0 {
		t.Fatalf("%+v, %v", broken, err)
	}
	tally, err := s.ApplyReceipts(t.Context(), []overture.Receipt{{
		Provider: "twilio", AccountID: p.AccountID, SenderID: p.SenderID, MessageID: store.FillMessage(249), Token: store.FillToken(249),
		ProviderID: store.FillProviderID(249), State: overture.Delivered, ReceivedAt: p.LaunchAt,
	}}, p.LaunchAt)
	if err != nil || tally.Raised != 1 {
		t.Errorf("%+v, %v", tally, err)
	}
}
