package proof

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/egress"
	"github.com/overture-im/overture/internal/provider/twilio"
)

// bareMessage stands in the callback URL of the bare loop, so that verify leaves its messages alone. It is as long as an id.
const bareMessage = "bare-0000000000000"

// bareLoop is the ceiling of dispatch: the product's own HTTP client and adapter with the same number of connections against the same lab,
// and nothing else: no database, no rate, no receipts. One client serves all repetitions, so that its connections stay open.
type bareLoop struct {
	adapter     *twilio.Client
	sender      overture.Sender
	callback    string
	connections int
	next        atomic.Int64
}

func newBareLoop(rig *Rig, connections int) *bareLoop {
	return &bareLoop{
		adapter: twilio.New(egress.New(egress.Options{AllowLoopback: true, Connections: connections})),
		sender:  overture.Sender{Address: rigNumber, BaseURL: rig.LabURL(), AccountSID: rigSID, AuthToken: rigToken},
		// As long as the product's, with a token of 22 characters.
		callback: rig.StatusURL() + "?m=" + bareMessage + "&t=bareloopbareloopbarelo", connections: connections,
	}
}

// run sends n messages and tells how many went out per second. The first tenth is not counted.
func (l *bareLoop) run(ctx context.Context, n int) (perSecond float64, err error) {
	var taken, counted atomic.Int64
	var began atomic.Pointer[time.Time]
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for range l.connections {
		wg.Go(func() {
			for {
				i := int(taken.Add(1))
				if i > n || ctx.Err() != nil || failed.Load() != nil {
					return
				}
				if i == n/10+1 {
					now := time.Now()
					began.Store(&now)
				}
				if err := l.send(ctx); err != nil {
					failed.Store(&err)
				}
				if i > n/10 {
					counted.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if e := failed.Load(); e != nil {
		return 0, fmt.Errorf("bare loop: %w", *e)
	}
	if ctx.Err() != nil || began.Load() == nil {
		return 0, fmt.Errorf("bare loop: %w", ctx.Err())
	}
	return float64(counted.Load()) / since(*began.Load()), nil
}

func (l *bareLoop) send(ctx context.Context) error {
	i := int(l.next.Add(1))
	number, _, _ := strings.Cut(rowOf(i), ",")
	_, err := l.adapter.Send(ctx, l.sender, overture.Outgoing{
		MessageID: overture.MessageID(i), Token: "bare", To: overture.Address(number),
		Body: "Hello P00000000, your order is ready. " + overture.OptOutTextDefault, StatusCallback: l.callback,
	})
	return err
}
