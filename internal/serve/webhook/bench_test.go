package webhook_test

import (
	"database/sql"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overture-im/overture"
)

// BenchmarkStatus measures webhook intake as a provider sees it: 128 callers, signature checked, each answered after its commit.
// The goal is 5,000 receipts/s with a 99th percentile of 250 ms.
func BenchmarkStatus(b *testing.B) {
	h := open(b)
	const messages = 20_000
	err := h.s.DB().Transact(b.Context(), func(tx *sql.Tx) error {
		for i := range int64(messages) {
			if _, err := tx.Exec(`INSERT INTO message (id, account_id, campaign_id, recipient_id, entry_id, sender_id, lane_id, leg, address, body, state, attempts, segments,
				provider_id, code, reason, updated_at) VALUES ($1, 1, 9, $1, 0, 21, 1, 0, $2, '', 50, 1, 1, $3, 0, '', 0)`, i+1, person, fmt.Sprintf("SM%032x", i+1)); err != nil {
				return err
			}
			if _, err := tx.Exec(`INSERT INTO attempt (message_id, n, token, epoch, started_at, ended_at, outcome, http_status, code, provider_id)
				VALUES ($1, 1, 'tok', 1, 0, 0, 'accepted', 201, 0, $2)`, i+1, fmt.Sprintf("SM%032x", i+1)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	statuses := []string{"sent", "delivered"}
	var next atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	b.SetParallelism(64) // times two processors
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		var own []time.Duration
		for pb.Next() {
			n := next.Add(1) - 1
			id := overture.MessageID(n%messages + 1)
			form := statusForm(statuses[n/messages%2])
			form.Set("MessageSid", fmt.Sprintf("SM%032x", int64(id)))
			r := signed("/hooks/twilio/wk_Unguessable-1/status?m="+id.String()+"&t=tok", form, token)
			began := time.Now()
			w := httptest.NewRecorder()
			h.mux.ServeHTTP(w, r)
			own = append(own, time.Since(began))
			if w.Code != 204 {
				b.Errorf("%d %s", w.Code, strings.TrimSpace(w.Body.String()))
				return
			}
		}
		mu.Lock()
		defer mu.Unlock()
		took = append(took, own...)
	})
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "receipts/s")
	b.ReportMetric(float64(took[len(took)*99/100].Milliseconds()), "p99-ms")
	b.ReportMetric(0, "ns/op")
}
