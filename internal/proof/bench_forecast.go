package proof

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/overture-im/overture/internal/client"
)

// forecastBound is how long a forecast of a million recipients may take, in seconds.
const forecastBound = 10

// forecast measures the API's answer to a forecast of a large draft, while other calls are timed. The server is new for every repetition, so
// that it has to read the whole list.
func (b *bench) forecast(ctx context.Context, dir, databaseURL string) error {
	engine := ""
	if databaseURL != "" {
		engine = "postgres_"
	}
	rig, err := NewRig(ctx, RigOptions{Binary: b.o.Binary, Dir: dir, DatabaseURL: databaseURL, SenderRate: 1000, ServeFlags: b.profileFlags("forecast_1m_" + engine + "s")})
	if err != nil {
		return err
	}
	defer rig.Close()
	draft, err := rig.API.CreateCampaign(ctx, client.Draft{
		Name: "Forecast", Channel: "sms", Sender: rig.Sender.ID, Skill: rig.Skill, Text: "Hello {{1}}, your order is ready.", Rate: 100,
	}, "")
	if err != nil {
		return fmt.Errorf("create campaign: %w", err)
	}
	file := io.NewSectionReader(listOf(0, b.o.Recipients), 0, int64(b.o.Recipients)*listRow)
	if _, err := rig.API.Upload(ctx, draft.ID, file, "people.csv", nil, nil); err != nil {
		return fmt.Errorf("upload list: %w", err)
	}
	var seconds, bounds, memory, calm, pings, patience []float64
	for range b.o.Repeat {
		if err := stopServer(rig); err != nil {
			return err
		}
		if err := rig.Start(ctx); err != nil {
			return err
		}
		if err := b.ready(ctx, rig); err != nil {
			return err
		}
		idle := rss(rig.PID())
		peak, others := watchMemory(ctx, rig.PID()), b.pingAPI(ctx, rig)
		began := time.Now()
		f, err := rig.API.Forecast(ctx, draft.ID, "", 0)
		took := since(began)
		latencies, most := others(), peak()
		if err != nil {
			return err
		}
		if f.Recipients != b.o.Recipients || f.Sent != b.o.Recipients {
			return fmt.Errorf("the forecast knows %d recipients and sends to %d of %d", f.Recipients, f.Sent, b.o.Recipients)
		}
		seconds, bounds = append(seconds, took), append(bounds, forecastBound)
		memory, calm = append(memory, most-idle), append(calm, 96)
		pings, patience = append(pings, percentile(latencies, 0.99)), append(patience, 250)
	}
	b.addAll("forecast_1m_"+engine+"s", seconds, "s", bounds)
	b.addAll("forecast_1m_"+engine+"rss_above_idle", memory, "MiB", calm)
	b.addAll("forecast_1m_"+engine+"api_p99_ms", pings, "ms", patience)
	return stopServer(rig)
}
