package api

import (
	"context"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

// healthRoom tells administrators of an account how their senders and the server stand.
type healthRoom interface {
	SenderHealth(ctx context.Context, account overture.AccountID, after overture.SenderID, limit int) ([]SenderHealth, error)
	ServerHealth(ctx context.Context, account overture.AccountID) (ServerHealth, error)
}

// SenderHealth is how a sender stands right now, as the node that was asked knows it.
type SenderHealth struct {
	Sender      overture.SenderID
	State       string            // one of the enum of senderHealthBody
	Why         overture.Sentence // zero: nothing is in the way
	Here        bool              // the node that was asked sends for it
	LeaseUntil  time.Time
	Rate        int     // segments per second as set
	RateAllowed float64 // right now, after what the provider asked for; 0 when this node does not send
	Sent        float64 // attempts per second over the last seconds
	Waiting     int     // messages of campaigns
	InDoubt     int
	OldestDue   time.Time // zero: nothing is due
}

// ServerHealth is what an account's administrator may know about the server: nothing of other accounts, no paths, addresses or errors.
type ServerHealth struct {
	Ready         bool
	Checks        []HealthCheck
	Version       string
	Engine        string
	Schema        int64
	Since         time.Time // when the node that was asked started
	Quarantine    bool
	EmergencyStop bool
	DiskFree      int64 // bytes; 0: not known
	DiskThreshold int64
	LastBackup    time.Time
	Queue         overture.AccountQueue
}

// HealthCheck is one of the checks of /readyz.
type HealthCheck struct {
	Name  string
	Means overture.Sentence // when it fails
	OK    bool
}

type senderHealthBody struct {
	Sender      senderRef         `json:"sender"`
	State       string            `json:"state" enum:"stopped,troubled,slowed,sending,waiting,idle" doc:"stopped: by a person or its provider; troubled: nothing goes although it should, see why; slowed: the provider asked for it; waiting: for a window or a turn"`
	Why         overture.Sentence `json:"why,omitzero" doc:"What is in the way, in words"`
	Here        bool              `json:"here" doc:"The node that answers sends for it: why, rate_allowed and sent are known. Of another node's sender only what waits is known"`
	LeaseUntil  time.Time         `json:"lease_until,omitzero" doc:"Until when a node owns it; absent: none does"`
	Rate        int               `json:"rate" doc:"Segments per second, as set"`
	RateAllowed float64           `json:"rate_allowed" doc:"Segments per second right now, after what the provider asked for; 0: not known here"`
	Sent        float64           `json:"sent" doc:"Attempts that ended per second, over the last ten seconds"`
	Waiting     int               `json:"waiting" doc:"Queued messages of campaigns"`
	InDoubt     int               `json:"in_doubt" doc:"Outcomes that are being looked up"`
	OldestDueAt time.Time         `json:"oldest_due_at,omitzero" doc:"Since when the oldest message is due that has not gone; absent: nothing is due"`
}

type senderHealthOutput struct{ Body page[senderHealthBody] }

type healthCheckBody struct {
	Name  string            `json:"name"`
	Means overture.Sentence `json:"means" doc:"What is wrong when it is not ok"`
	OK    bool              `json:"ok"`
}

type queueBody struct {
	Waiting         int       `json:"waiting" doc:"Queued messages of campaigns"`
	OldestDueAt     time.Time `json:"oldest_due_at,omitzero" doc:"Since when the oldest message is due that has not gone; absent: nothing is due"`
	InDoubt         int       `json:"in_doubt" doc:"Outcomes that are being looked up"`
	OldestInDoubtAt time.Time `json:"oldest_in_doubt_at,omitzero"`
	Held            int       `json:"held" doc:"Wait for a person's decision"`
	Planning        int       `json:"planning" doc:"Launched campaigns whose messages are still being written"`
	Answers         int       `json:"answers" doc:"Answers of people that wait to be matched"`
}

type healthOutput struct {
	Body struct {
		Ready         bool              `json:"ready" doc:"As /readyz"`
		Checks        []healthCheckBody `json:"checks"`
		Version       string            `json:"version"`
		Engine        string            `json:"engine" enum:"sqlite,postgres"`
		Schema        int64             `json:"schema"`
		Since         time.Time         `json:"since" doc:"When the node that answers started"`
		Quarantine    bool              `json:"quarantine" doc:"Nothing is sent because the database may be older than the world; the operator releases it"`
		EmergencyStop bool              `json:"emergency_stop" doc:"The operator stopped everything"`
		DiskFree      int64             `json:"disk_free_bytes,omitempty" doc:"Absent where it is not known"`
		DiskThreshold int64             `json:"disk_threshold_bytes" doc:"Below it the server is not ready"`
		LastBackupAt  time.Time         `json:"last_backup_at,omitzero" doc:"Absent on PostgreSQL and before the first one"`
		Queue         queueBody         `json:"queue"`
	}
}

func (a *API) registerHealth() {
	register(a, access.AccountWrite, operation{
		Method: "GET", Path: "/v1/health", Summary: "How the server and the account's queues stand", Tag: "account",
		Description: "What /readyz knows, and the queues of the asker's account.",
	}, a.serverHealth)
	register(a, access.SendersRead, operation{
		Method: "GET", Path: "/v1/senders/health", Summary: "How the senders stand right now", Tag: "senders",
		Description: "One item per sender, in the order of /v1/senders.",
	}, a.senderHealth)
}

func (a *API) senderHealth(ctx context.Context, who access.Identity, in *Paged) (*senderHealthOutput, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	all, err := a.deps.Health.SenderHealth(ctx, who.AccountID, overture.SenderID(after), in.limit()+1)
	if err != nil {
		return nil, err
	}
	return &senderHealthOutput{Body: pageOf(all, in.limit(), wireSenderHealth, func(h SenderHealth) int64 { return int64(h.Sender) })}, nil
}

func wireSenderHealth(h SenderHealth) senderHealthBody {
	return senderHealthBody{
		Sender: refTo(h.Sender), State: h.State, Why: h.Why, Here: h.Here, LeaseUntil: h.LeaseUntil, Rate: h.Rate, RateAllowed: h.RateAllowed,
		Sent: h.Sent, Waiting: h.Waiting, InDoubt: h.InDoubt, OldestDueAt: h.OldestDue,
	}
}

func (a *API) serverHealth(ctx context.Context, who access.Identity, _ *struct{}) (*healthOutput, error) {
	h, err := a.deps.Health.ServerHealth(ctx, who.AccountID)
	if err != nil {
		return nil, err
	}
	out := &healthOutput{}
	b := &out.Body
	b.Ready, b.Version, b.Engine, b.Schema, b.Since = h.Ready, h.Version, h.Engine, h.Schema, h.Since
	b.Quarantine, b.EmergencyStop, b.DiskFree, b.DiskThreshold, b.LastBackupAt = h.Quarantine, h.EmergencyStop, h.DiskFree, h.DiskThreshold, h.LastBackup
	b.Checks = make([]healthCheckBody, 0, len(h.Checks))
	for _, c := range h.Checks {
		b.Checks = append(b.Checks, healthCheckBody(c))
	}
	q := h.Queue
	b.Queue = queueBody{
		Waiting: q.Waiting, OldestDueAt: q.OldestDue, InDoubt: q.InDoubt, OldestInDoubtAt: q.OldestInDoubt, Held: q.Held, Planning: q.Planning, Answers: q.Answers,
	}
	return out, nil
}
