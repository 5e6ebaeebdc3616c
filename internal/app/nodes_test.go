package app_test

import (
	"context"
	"fmt"
	"hash/crc32"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/overture-im/overture/internal/app"
	"github.com/overture-im/overture/internal/pubsub"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

// Two nodes on one PostgreSQL: a launch, a pause or a reply on one wakes planner, engine and router of the other in less than 100 ms.
func TestNodesWakeEachOther(t *testing.T) {
	if !storetest.OnPostgres() {
		t.Skip("SQLite has one node")
	}
	o := storetest.Options(t)
	buses := make([]*pubsub.Bus, 2)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{}, len(buses))
	for i := range buses {
		o.Node = i
		s, err := store.Open(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		buses[i] = pubsub.New()
		relay := pubsub.NewRelay(buses[i], s.Carrier(), slog.New(slog.DiscardHandler))
		go func() { _ = relay.Run(ctx); ended <- struct{}{} }()
	}
	defer func() {
		stop()
		for range buses {
			<-ended
		}
	}()
	awake := func(from, to *pubsub.Bus, topic string) time.Duration {
		woken, end := to.Subscribe(topic)
		defer end()
		began := time.Now()
		from.Publish(topic)
		select {
		case <-woken:
			return time.Since(began)
		case <-time.After(200 * time.Millisecond):
			return time.Second
		}
	}
	for began := time.Now(); awake(buses[0], buses[1], "first") == time.Second; { // until the listeners hear
		if time.Since(began) > 20*time.Second {
			t.Fatal("nothing crosses")
		}
	}
	for _, topic := range []string{pubsub.Plan, pubsub.Dispatch, pubsub.Inbound, pubsub.Campaign} {
		var took []time.Duration
		for i := range 11 {
			took = append(took, awake(buses[i%2], buses[1-i%2], topic))
		}
		slices.Sort(took)
		if median := took[len(took)/2]; median > 100*time.Millisecond {
			t.Errorf("%s crosses in %v (median of %v)", topic, median, took)
		}
		t.Logf("%s crosses in %v, at worst %v", topic, took[len(took)/2], took[len(took)-1])
	}
}

// A whole second node, with the doors and loops of a server, hears the first one.
func TestAServerListens(t *testing.T) {
	if !storetest.OnPostgres() {
		t.Skip("SQLite has one node")
	}
	o := options(t)
	a := begin(t, o)
	defer func() { _ = a.Stop(t.Context()) }()
	o.Node, o.DataDir = 1, t.TempDir()
	b, err := app.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Stop(t.Context()) }()
	var schema string
	if err := a.Book().DB().Read.QueryRowContext(t.Context(), `SELECT current_schema()`).Scan(&schema); err != nil {
		t.Fatal(err)
	}
	listen := fmt.Sprintf("LISTEN overture_%08x", crc32.ChecksumIEEE([]byte(schema)))
	count := func() int {
		var n int
		if err := a.Book().DB().Read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM pg_stat_activity WHERE query = $1`, listen).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for began := time.Now(); count() < 2; time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("%d of two servers listen", count())
		}
	}
}
