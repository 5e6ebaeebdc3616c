package dispatch_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/dispatch"
	"github.com/overture-im/overture/internal/store/storetest"
)

// picky is a database that refuses every transaction with certain messages in it.
type picky struct {
	dispatch.Store
	settlement, mark overture.MessageID
	commits, refused int
}

func (p *picky) Commit(ctx context.Context, now time.Time, work []overture.SenderWork) ([]overture.CommitResult, error) {
	p.commits++
	for _, w := range work {
		for _, x := range w.Settlements {
			if x.MessageID == p.settlement && x.State == overture.Accepted {
				return nil, errors.New("a value that the database does not take")
			}
		}
		for _, x := range w.Marks {
			if x.MessageID == p.mark {
				if len(w.Marks) == 1 {
					p.refused++
				}
				return nil, errors.New("a value that the database does not take")
			}
		}
	}
	return p.Store.Commit(ctx, now, work)
}

// One settlement and one mark that the database refuses hold up nobody else, not even for a second.
func TestAPoisonRowHoldsUpNobody(t *testing.T) {
	if storetest.OnPostgres() {
		t.Skip("measures time, on a fake clock")
	}
	inTime(t, func(t *testing.T) {
		h := build(t, 200)
		book := &picky{settlement: h.ids[17], mark: h.ids[99]}
		h.around = func(s dispatch.Store) dispatch.Store { book.Store = s; return book }
		began := time.Now()
		stop := h.run("a", short)
		h.until("all others settled", func() bool { return h.number(`SELECT COUNT(*) FROM message WHERE state = 50`) == 198 })
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the others took %v", took)
		}
		if n := h.provider.accepted(address(99)); n != 0 {
			t.Errorf("a message without a mark was sent %d times", n)
		}
		// It is left alone instead of being looked for among the others on every page, and the page of the campaign says so.
		before := book.commits
		time.Sleep(29 * time.Second)
		if n := book.refused; n > 3 {
			t.Errorf("the mark was asked for %d times in half a minute, want the first time and its repeats", n)
		}
		if n := book.commits - before; n > 300 {
			t.Errorf("%d transactions while nothing was to be sent", n)
		}
		if why := h.engine.Status(sender); !strings.Contains(why, "refuses to record attempts of 1 message") {
			t.Errorf("the campaign page says %q", why)
		}
		time.Sleep(5 * time.Second)
		if n := book.refused; n < 4 || n > 7 {
			t.Errorf("asked for alone %d times after its rest, want one round more", n)
		}
		if n := h.provider.accepted(address(17)); n != 1 {
			t.Errorf("the message whose outcome cannot be written was accepted %d times: its own proof was taken for another's", n)
		}
		stop()
		if n := h.number(`SELECT COUNT(*) FROM inflight WHERE message_id = $1`, int64(h.ids[17])); n != 1 {
			t.Errorf("%d markers of the settlement that was given up, want one, to be looked up", n)
		}
	})
}
