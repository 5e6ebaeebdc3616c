package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
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
	"github.com/overture-im/overture/internal/outbound/receipt"
	"github.com/overture-im/overture/internal/outbound/recipient"
	"github.com/overture-im/overture/internal/outbound/schedule"
	"github.com/overture-im/overture/internal/provider/twilio"
	"github.com/overture-im/overture/internal/pubsub"
	"github.com/overture-im/overture/internal/serve/api"
	"github.com/overture-im/overture/internal/serve/ops"
	"github.com/overture-im/overture/internal/serve/site"
	"github.com/overture-im/overture/internal/serve/webhook"
	"github.com/overture-im/overture/internal/store"
)

// wire is one straight line on purpose: each thing is made after what it needs, and its undoing stands beside it. Read it top to bottom
// to know what a server is made of.
func (a *App) wire(ctx context.Context) error {
	o := a.options
	workers, stopWorkers := context.WithCancel(context.WithoutCancel(ctx))
	a.workers = workers
	a.onStop("workers", func(context.Context) error { stopWorkers(); return nil })

	// The address first: a taken port is the commonest mistake, and the public URL may depend on it.
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", o.Listen, err)
	}
	a.listener = listener
	a.onStop("listener", func(context.Context) error { _ = listener.Close(); return nil }) // the http server closes it too
	if o.PublicURL == "" {
		o.PublicURL = a.URL()
	}

	seal, err := sealer(o)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Options{DataDir: o.DataDir, DatabaseURL: o.DatabaseURL, Node: o.Node, Sealer: seal})
	if err != nil {
		return err
	}
	a.onStop("store", func(context.Context) error { return db.Close() })
	a.book = db
	bus := pubsub.New()

	// Scheduling: recipients of launched campaigns become queued messages with a due time.
	calendar := schedule.NewCalendar()
	wakePlan, noPlan := bus.Subscribe(pubsub.Plan)
	a.onStop("planner wake-ups", func(context.Context) error { noPlan(); return nil })
	a.work("planner", schedule.New(schedule.Deps{Store: db, Calendar: calendar, Waker: bus, Wake: wakePlan, Log: a.log}).Run)

	// Sending: the engine takes what the planner wrote, under a lease per sender.
	wakeDispatch, quiet := bus.Subscribe(pubsub.Dispatch)
	a.onStop("dispatch wake-ups", func(context.Context) error { quiet(); return nil })
	engine, err := dispatch.New(dispatch.Deps{
		Store: db, Providers: providers(o), Windows: calendar, Smart: segment.Smart,
		Callback: statusCallback(o.PublicURL), Owner: owner(o.Node), Log: a.log, Wake: wakeDispatch,
	}, dispatch.Config{
		Connections: o.Send.Connections, LeaseTTL: o.Send.LeaseTTL, SendDeadline: o.Send.Deadline, ClientTimeout: o.Send.ClientTimeout,
		ProviderDelay: o.Send.ProviderDelay, Grace: o.Send.Grace, LookupSpacing: o.Send.LookupSpacing,
	})
	if err != nil {
		return err
	}
	a.work("dispatch", engine.Run)

	// People and programs: who they are and what they may.
	who := access.New(access.Deps{Store: db, Log: a.log, CheckBaseURL: checkBaseURL(o)})
	a.work("session sweep", every(time.Hour, a.log, "session sweep", who.SweepSessions))

	// Receipts: the provider's later word, durable before its 2xx.
	receipts := receipt.NewIntake(receipt.Deps{Store: db, Wakes: bus, Log: a.log, Now: time.Now})
	a.work("receipts", receipts.Run)

	// Answers: stored before the provider's 2xx, then matched, put into conversations and given to agents.
	replies := reply.Deps{Store: db, Accounts: who, Words: consent.NewWords(), Wakes: bus, Log: a.log, Now: time.Now}
	a.loop("reply matcher", reply.NewMatcher(replies).Run)
	a.loop("router", agent.NewRouter(db, bus, a.log, time.Now).Run)

	// Composing: drafts, their lists, launch and life; and what became of it all.
	people := recipient.New(recipient.Deps{Store: db, ParsePhone: parsePhone, ZoneKnown: tz.Valid, Log: a.log})
	a.work("list cleanup", every(time.Minute, a.log, "list cleanup", people.Cleanup))
	campaigns := campaign.New(campaign.Deps{
		Store: db, Lists: people, Windows: calendar, ParsePhone: parsePhone, Recheck: recheck(people), Wake: bus.Publish, Log: a.log,
	})
	wakeCanceler, noCancels := bus.Subscribe(pubsub.Campaign)
	a.onStop("canceler wake-ups", func(context.Context) error { noCancels(); return nil })
	a.work("canceler", (&campaign.Canceler{Store: db, Woken: wakeCanceler, Log: a.log}).Run)
	a.work("finisher", (&campaign.Finisher{Store: db, Speed: campaigns.Speed(), Wake: bus.Publish, Log: a.log}).Run)

	door := api.New(api.Deps{
		Log: a.log, PublicURL: o.PublicURL, ClientIP: clientIP(o.TrustProxy), Idempotency: db,
		Door: who, Sessions: who, Users: who, Keys: who, Accounts: who, Senders: who,
		Consent: consent.New(db, time.Now), Conversations: conversation.New(db, db, bus, time.Now), Agents: agent.NewRoster(db, bus, time.Now),
		Campaigns: campaigns, Recipients: people, Figures: analytics.New(db), Exports: export.New(db),
	})
	a.work("idempotency sweep", door.Run)

	hooks := webhook.New(webhook.Deps{
		PublicURL: o.PublicURL, Senders: db, Receipts: receipts, Inbound: reply.NewIntake(replies),
		Twilio: webhook.Parser{Status: twilio.ParseStatus, Inbound: twilio.ParseInbound}, Log: a.log, Now: time.Now,
	})

	operations := ops.New(ops.Deps{
		Ready: func(ctx context.Context) error { return db.TouchNode(ctx, o.Node, time.Now()) },
		Log:   a.log,
	})

	mux := http.NewServeMux()
	operations.Mount(mux)
	hooks.Mount(mux)
	mux.Handle("/v1/", door.Handler())
	mux.Handle("/openapi.json", door.Handler())
	mux.Handle("/", site.Handler())
	a.serve(ctx, operations.Measure(mux))
	return nil
}
