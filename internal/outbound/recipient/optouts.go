package recipient

import (
	"context"

	"github.com/overture-im/overture"
)

// optOuts counts who of a list has stopped the brand. They stay in the list: dispatch suppresses them and says so, and they may come back
// before the launch. A long list is merged with the opt-outs in the order of the numbers, a short one is looked up.
type optOuts struct {
	store  Looking
	target overture.ListTarget
	merge  bool
	page   []string
	at     int
	after  overture.Address
	end    bool
}

func (o *optOuts) count(ctx context.Context, rows []overture.Recipient) (n int, err error) {
	if !o.merge {
		addresses := make([]overture.Address, len(rows))
		for i := range rows {
			addresses[i] = rows[i].Address
		}
		found, err := o.store.OptedOutOf(ctx, o.target, addresses)
		return len(found), err
	}
	for i := range rows {
		for {
			if o.at == len(o.page) {
				if o.end {
					return n, nil
				}
				if o.page, err = o.store.OptOutAddresses(ctx, o.target, o.after, 2*chunkRows); err != nil {
					return n, err
				}
				if o.at = 0; len(o.page) == 0 {
					o.end = true
					return n, nil
				}
				o.after = overture.Address(o.page[len(o.page)-1])
			}
			stopped := overture.Address(o.page[o.at])
			if stopped >= rows[i].Address {
				if stopped == rows[i].Address {
					n++
				}
				break
			}
			o.at++
		}
	}
	return n, nil
}
