package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/consent"
	"github.com/overture-im/overture/internal/inbound/agent"
	"github.com/overture-im/overture/internal/inbound/conversation"
	"github.com/overture-im/overture/internal/inbound/reply"
	"github.com/overture-im/overture/internal/insight/analytics"
	"github.com/overture-im/overture/internal/insight/export"
	"github.com/overture-im/overture/internal/kit/segment"
	"github.com/overture-im/overture/internal/kit/tz"
	"github.com/overture-im/overture/internal/outbound/campaign"
	"github.com/overture-im/overture/internal/outbound/dispatch"
	"github.com/overture-im/overture/internal/outbound/forecast"
	"github.com/overture-im/overture/internal/outbound/guard"
	"github.com/overture-im/overture/internal/outbound/policy"
	"github.com/overture-im/overture/internal/outbound/quarantine"
	"github.com/overture-im/overture/internal/outbound/receipt"
	"github.com/overture-im/overture/internal/outbound/recipient"
	"github.com/overture-im/overture/internal/outbound/schedule"
	"github.com/overture-im/overture/internal/provider/twilio"
	"github.com/overture-im/overture/internal/pubsub"
	"github.com/overture-im/overture/internal/retention"
	"github.com/overture-im/overture/internal/serve/api"
	"github.com/overture-im/overture/internal/serve/ops"
	"github.com/overture-im/overture/internal/serve/realtime"
	"github.com/overture-im/overture/internal/serve/site"
	"github.com/overture-im/overture/internal/serve/sso"
	"github.com/overture-im/overture/internal/serve/webhook"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/web"
)

// wire is one straight line on purpose: each thing is made after what it needs, and its undoing stands beside it. Read it top to bottom
// to know what a server is made of.
func (a *App) wire(ctx context.Context) error {
	o := a.options
	workers, stopWorkers := context.WithCancel(context.WithoutCancel(ctx))
	a.workers = workers
	a.onStop("workers", func(context.Context) error { stopWorkers(); return nil })

	// The address first: a taken port is the commonest mistake, and the public URL may depend on it.
	began := time.Now()
	listener, err := listen(ctx, o.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", o.Listen, err)
	}
	a.listener = listener
	a.onStop("listener", func(context.Context) error { _ = listener.Close(); return nil }) // the http server closes it too
	if o.PublicURL == "" {
		o.PublicURL = a.URL()
	}
	a.options = o

	seal, err := sealer(o)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Options{DataDir: o.DataDir, DatabaseURL: o.DatabaseURL, Node: o.Node, Sealer: seal, Rulings: policy.Rulings})
	if err != nil {
		return err
	}
	a.onStop("store", func(context.Context) error { return db.Close() })
	a.book = db
	if err := a.beginSafely(ctx, db); err != nil {
		return err
	}
	bus := pubsub.New()
	if db.DB().Postgres() { // other nodes may share the database
		a.work("wake-ups across nodes", pubsub.NewRelay(bus, db.Carrier(), a.log).Run)
	}

	// Scheduling: recipients of launched campaigns become queued messages with a due time.
	calendar := schedule.NewCalendar()
	wakePlan, noPlan := bus.Subscribe(pubsub.Plan)
	a.onStop("planner wake-ups", func(context.Context) error { noPlan(); return nil })
	a.work("planner", schedule.New(schedule.Deps{Store: db, Calendar: calendar, Waker: bus, Wake: wakePlan, Log: a.log}).Run)

	owner := owner(o.Node)
	measured := newMeter()

	// Sending: the engine takes what the planner wrote, under a lease per sender.
	wakeDispatch, quiet := bus.Subscribe(pubsub.Dispatch)
	a.onStop("dispatch wake-ups", func(context.Context) error { quiet(); return nil })
	adapters, sources := providers(o)
	engine, err := dispatch.New(dispatch.Deps{
		Store: db, Providers: measured.providers(adapters), Windows: calendar, Smart: segment.Smart,
		Callback: statusCallback(o.PublicURL), Owner: owner, Log: a.log, Wake: wakeDispatch, Observer: measured,
	}, dispatch.Config{
		Connections: o.Send.Connections, LeaseTTL: o.Send.LeaseTTL, SendDeadline: o.Send.Deadline, ClientTimeout: o.Send.ClientTimeout,
		ProviderDelay: o.Send.ProviderDelay, Grace: o.Send.Grace, LookupSpacing: o.Send.LookupSpacing, HoldAfter: o.Send.HoldAfter,
	})
	if err != nil {
		return err
	}
	a.work("dispatch", engine.Run)
	a.drain() // stop claims, finish what is in flight and give back the leases while webhooks and pages still answer
	a.work("quarantine", (&quarantine.Keeper{Store: db, Grace: o.Send.Grace, Wake: bus.Publish, Log: a.log}).Run)

	// People and programs: who they are and what they may.
	code := rand.Text()
	who := access.New(access.Deps{
		Store: db, Log: a.log, CheckBaseURL: checkBaseURL(o), SetupCode: code, SessionsEnded: func() { bus.Publish(pubsub.Session) },
	})
	a.work("session sweep", every(time.Hour, a.log, "session sweep", who.SweepSessions))

	// Receipts: the provider's later word, durable before its 2xx.
	receipts := receipt.NewIntake(receipt.Deps{Store: receiptBook{db, measured, a.log}, Wakes: bus, Log: a.log, Now: time.Now})
	a.work("receipts", receipts.Run)
	a.work("lost receipts", receipt.NewSeeker(receipt.SeekerDeps{
		Store: db, Sources: measured.sources(sources), Receipts: receipts, Owner: owner, Asked: measured.asked, After: o.Send.AskAfter, Log: a.log,
	}).Run)

	// Answers: stored before the provider's 2xx, then matched, put into conversations and given to agents.
	replies := reply.Deps{Store: db, Accounts: who, Words: consent.NewWords(), Wakes: bus, Log: a.log, Now: time.Now}
	a.loop("reply matcher", reply.NewMatcher(replies).Run)
	a.loop("router", agent.NewRouter(db, bus, a.log, time.Now).Run)

	// Composing: drafts, their lists, launch and life; and what became of it all.
	people := recipient.New(recipient.Deps{Store: db, ParsePhone: parsePhone, ZoneKnown: tz.Valid, Log: a.log})
	a.work("list cleanup", every(time.Minute, a.log, "list cleanup", people.Cleanup))
	campaigns := campaign.New(campaign.Deps{
		Store: db, Lists: people, Windows: calendar, ParsePhone: parsePhone, Recheck: recheck(people), CountryOf: countryOf,
		Wake: bus.Publish, Log: a.log,
	})
	wakeCanceler, noCancels := bus.Subscribe(pubsub.Campaign)
	a.onStop("canceler wake-ups", func(context.Context) error { noCancels(); return nil })
	a.work("canceler", (&campaign.Canceler{Store: db, Woken: wakeCanceler, Log: a.log}).Run)
	wakeResolver, noOrders := bus.Subscribe(pubsub.Held)
	a.onStop("resolver wake-ups", func(context.Context) error { noOrders(); return nil })
	a.work("resolver", (&campaign.Resolver{Store: db, Windows: calendar, Woken: wakeResolver, Wake: bus.Publish, Log: a.log}).Run)
	watcher := guard.New(db, bus.Publish, a.log)
	a.work("guard", watcher.Run)
	if o.DatabaseURL == "" { // a server on PostgreSQL finds the operator's orders in the database
		a.work("operator's orders", takeOrders(o.DataDir, db, a.log))
	}
	a.work("finisher", (&campaign.Finisher{Store: db, Speed: campaigns.Speed(), Wake: bus.Publish, Log: a.log}).Run)

	// Before the launch what will happen, and after it what was forecast beside what happened.
	launches, noLaunches := bus.Subscribe(pubsub.Plan)
	a.onStop("forecast wake-ups", func(context.Context) error { noLaunches(); return nil })
	forecasts := forecast.New(forecast.Deps{
		Store: db, Lists: people, Windows: calendar, Recheck: recheck(people), Rules: rulesOf(db), CountryOf: countryOf, Owner: owner, Log: a.log, Wake: launches,
	})
	a.work("forecasts of launches", forecasts.Run)

	// What is old goes, by the periods of its account, one node at a time.
	old := newRetentionMetrics()
	a.work("retention", (&retention.Sweeper{Store: db, Owner: owner, Observer: old, Log: a.log}).Run)

	token, closeDoor, err := openDoor(o, a.URL())
	if err != nil {
		return err
	}
	a.onStop("operator's door", func(context.Context) error { closeDoor(); return nil })
	operations := ops.New(ops.Deps{
		Checks: checks(o, db), Verbose: verbose(o, db, owner, began), Token: token, Operator: operator{db: db, dir: o.DataDir, log: a.log}, Log: a.log,
	})

	door := api.New(api.Deps{
		Log: a.log, PublicURL: o.PublicURL, ClientIP: clientIP(o.TrustProxy), Idempotency: db,
		Setup: who, Product: api.Product{Version: version(), Lab: o.Lab, SingleSignOn: o.SingleSignOn.Name},
		Door: who, Sessions: who, Users: who, Keys: who, Accounts: who, Senders: who,
		Health: &standing{
			options: o, db: db, engine: engine.Snapshot, pulse: measured.pulse, checks: operations.Standings, owner: owner, began: began,
		},
		Consent: consent.New(db, time.Now), Conversations: conversation.New(db, db, bus, time.Now), Agents: agent.NewRoster(db, bus, time.Now),
		Campaigns: campaigns, Recipients: people, Forecasts: forecasts, Figures: analytics.New(db), Exports: export.New(db),
		Phones: newPhones(o, who), Retention: retention.New(db, time.Now),
		Policy: policy.New(policy.Deps{Store: db, Decide: decide(calendar), Turn: forecasts.Turn, Log: a.log, Now: time.Now}),
	})
	a.work("idempotency sweep", door.Run)

	// Open pages hear that something changed.
	answers, noAnswers := bus.Subscribe(pubsub.Inbound)
	a.onStop("live answers", func(context.Context) error { noAnswers(); return nil })
	ended, noEnds := bus.Subscribe(pubsub.Session)
	a.onStop("live sessions", func(context.Context) error { noEnds(); return nil })
	live := realtime.New(realtime.Deps{
		Sessions: who, Marks: db.Marks, Cookie: api.SessionCookie, PublicURL: o.PublicURL, ClientIP: clientIP(o.TrustProxy), Log: a.log,
		Inbound: answers, Ended: ended,
	})
	a.work("live updates", live.Run)

	hooks := webhook.New(webhook.Deps{
		PublicURL: o.PublicURL, Senders: db, Receipts: receipts, Inbound: reply.NewIntake(replies),
		Twilio: webhook.Parser{Status: twilio.ParseStatus, Inbound: twilio.ParseInbound}, Batches: o.Lab,
		Log: a.log, Now: time.Now,
	})

	counted := &gauges{options: o, owner: owner, db: db, engine: engine.Snapshot, log: a.log}
	a.work("gauges", counted.Run)
	for _, c := range append(slices.Concat(measured.collectors(), live.Collectors(), old.collectors()), counted) {
		if err := operations.Register(c); err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
	}
	a.work("readiness checks", operations.Watch)
	a.onStop("readiness", func(context.Context) error { operations.Stopping(); return nil })
	a.drain()

	if err := operations.Register(newGuardMetrics(watcher)); err != nil {
		return fmt.Errorf("metrics of the guard: %w", err)
	}
	mux := http.NewServeMux()
	operations.Mount(mux)
	hooks.Mount(mux)
	mux.Handle("GET /v1/live", live)
	if single := o.SingleSignOn; single.Issuer != "" {
		sso.New(sso.Deps{
			Issuer: single.Issuer, ClientID: single.ClientID, ClientSecret: single.ClientSecret, PublicURL: o.PublicURL,
			Sessions: who, Sealer: seal, SetSession: door.SetSession, ClientIP: clientIP(o.TrustProxy), Log: a.log,
		}).Mount(mux)
	}
	mux.Handle("/v1/", door.Handler())
	mux.Handle("/openapi.json", door.Handler())
	mux.Handle("/", site.Handler(web.Console()))
	a.serve(ctx, operations.Measure(mux))
	return a.inviteToSetUp(ctx, who, code)
}
