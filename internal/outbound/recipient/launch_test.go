package recipient_test

import (
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/recipient"
)

// The launch takes the list as it was checked, or not at all (F2).
func TestLaunchFreezesTheCheckedList(t *testing.T) {
	d := open(t)
	campaign := d.draft(t, "Hi {{1}}")
	launch := func() (overture.Campaign, error) {
		c, err := d.store.Campaign(t.Context(), d.account, campaign)
		if err != nil {
			t.Fatal(err)
		}
		return d.store.LaunchCampaign(t.Context(), overture.Actor{AccountID: d.account}, c, time.Now())
	}
	_, err := d.ImportCSV(t.Context(), d.account, campaign, strings.NewReader(many(600)), recipient.CSVOptions{Progress: func(int) {
		_, err := launch()
		kind(t, err, overture.Conflict, "import_running")
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.AddTyped(t.Context(), d.account, campaign, "12135550100, Bob"); err != nil {
		t.Fatal(err)
	}
	reviewed, err := d.store.Campaign(t.Context(), d.account, campaign)
	if err != nil {
		t.Fatal(err)
	}
	d.exec(t, `UPDATE campaign SET text = 'Hello {{1}}' WHERE id = $1`, campaign)
	_, err = launch()
	kind(t, err, overture.Conflict, "list_not_checked")
	if _, err := d.Recheck(t.Context(), d.account, campaign); err != nil {
		t.Fatal(err)
	}
	if _, err := d.AddTyped(t.Context(), d.account, campaign, "12135550101, Cy"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.store.LaunchCampaign(t.Context(), overture.Actor{AccountID: d.account}, reviewed, time.Now()); overture.KindOf(err) != overture.Conflict {
		t.Errorf("a list that grew after the review was launched: %v", err)
	}
	c, err := launch()
	if err != nil || c.RecipientCount != 542 {
		t.Fatalf("got %d recipients, %v", c.RecipientCount, err)
	}
	hash, n, err := d.store.RecountListHash(t.Context(), d.account, campaign)
	if err != nil || hash != c.ListHash || n != 542 {
		t.Errorf("frozen %s, recounted %s of %d, %v", c.ListHash, hash, n, err)
	}
	d.exec(t, `UPDATE recipient SET vars = '["Eve"]' WHERE campaign_id = $1 AND address = '+12135550101'`, campaign)
	if hash, _, err := d.store.RecountListHash(t.Context(), d.account, campaign); err != nil || hash == c.ListHash {
		t.Errorf("a changed row is not seen, %v", err)
	}
}
