package forecast_test

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/forecast"
	"github.com/overture-im/overture/internal/outbound/schedule"
	"github.com/overture-im/overture/internal/store/storetest"
)

// BenchmarkMillion forecasts a list of a million people in eight sets of zones, one of a hundred opted out, on the engine under test:
// go test ./internal/outbound/forecast -run - -bench Million -benchtime 3x
func BenchmarkMillion(b *testing.B) {
	w := newWorld(b, 100)
	w.campaign(7, overture.Campaign{Window: overture.DefaultWindow(), Rate: 50}, nil)
	w.draft(7)
	numbers := `WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM x WHERE i < 1000000)`
	if storetest.OnPostgres() {
		numbers = `WITH x(i) AS (SELECT generate_series(1, 1000000))`
	}
	w.exec(numbers + ` INSERT INTO recipient (id, account_id, campaign_id, import_id, row_number, address, zones, zone_source, text, vars, segments)
		SELECT 700000+i, 1, 7, 2007, i, '+1' || CAST(2120000000+i AS TEXT), CASE i % 8 WHEN 0 THEN 'America/New_York' WHEN 1 THEN 'America/Chicago' WHEN 2 THEN 'America/Denver'
			WHEN 3 THEN 'America/Los_Angeles' WHEN 4 THEN 'America/New_York,America/Chicago' WHEN 5 THEN 'Pacific/Honolulu' WHEN 6 THEN 'Europe/London' ELSE 'Asia/Kolkata' END,
			'number', '', '["P00000001"]', 1 + i % 3 FROM x`)
	w.exec(`INSERT INTO recipient_address (address, campaign_id, recipient_id) SELECT address, campaign_id, id FROM recipient`)
	w.exec(`INSERT INTO opt_out (brand_id, channel, address, account_id, source, evidence, review, created_at) SELECT 2, 'sms', address, 1, 'api', '', FALSE, 0 FROM recipient WHERE id % 100 = 0`)
	w.exec(`UPDATE list_import SET valid = 1000000`)
	w.exec(`INSERT INTO price_table (account_id, version, currency, prices, created_by, created_at) VALUES (1, 1, 'USD', '[{"channel":"sms","prefix":"1","micros":7900},{"channel":"sms","prefix":"1212","micros":8100}]', '', 0)`)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		room := forecast.New(forecast.Deps{Store: w.s, Lists: lists{w.s}, Windows: schedule.NewCalendar(), Now: func() time.Time { return noon }})
		before := peak()
		f, err := room.Make(ctx, account, 7, forecast.Wish{})
		if err != nil {
			b.Fatal(err)
		}
		if f.Recipients != 1_000_000 || f.Sent != 990_000 {
			b.Fatalf("%d recipients, %d sent", f.Recipients, f.Sent)
		}
		b.ReportMetric(float64(peak()-before)/(1<<20), "MiB-held")
		again := time.Now()
		if _, err := room.Make(ctx, account, 7, forecast.Wish{Rate: 20}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(again).Seconds(), "s/again")
		if os.Getenv("FORECAST_WORDS") != "" {
			b.Log(f.Words)
		}
	}
}

// peak is what the heap holds after a collection.
func peak() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
