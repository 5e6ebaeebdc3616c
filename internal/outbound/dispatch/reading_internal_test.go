package dispatch

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/overture-im/overture"
)

// rows is a provider's record.
type rows []overture.ListedSend

func (rows) Send(context.Context, overture.Sender, overture.Outgoing) (overture.AcceptedSend, error) {
	return overture.AcceptedSend{}, nil
}

func (rows) Find(context.Context, overture.Sender, overture.Address, time.Time) ([]overture.FoundSend, error) {
	return nil, nil
}

func (r rows) List(_ context.Context, _ overture.Sender, _ time.Time, take func(overture.ListedSend) error) error {
	for _, row := range r {
		if err := take(row); err != nil {
			return err
		}
	}
	return nil
}

// An entry without its text, as after it was redacted, may be the message: it is given besides those that say it.
func TestAReadingKeepsWhatShowsNoText(t *testing.T) {
	entry := func(to overture.Address, id, body string) overture.ListedSend {
		return overture.ListedSend{To: to, FoundSend: overture.FoundSend{ProviderID: id, Body: body}}
	}
	read := &reading{}
	if err := read.all(t.Context(), overture.Sender{}, rows{
		entry("+12125550100", "A", "Hi"), entry("+12125550100", "B", ""), entry("+12125550100", "C", "Ho"), entry("+12125550101", "D", ""), entry("+12125550100", "A", "Hi"),
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		to   overture.Address
		want []string
	}{{"+12125550100", []string{"A Hi", "B "}}, {"+12125550101", []string{"D "}}, {"+12125550102", nil}} {
		var got []string
		for _, f := range read.find(c.to, "Hi") {
			got = append(got, f.ProviderID+" "+f.Body)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.to, got, c.want)
		}
	}
}
