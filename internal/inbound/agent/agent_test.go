package agent_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/inbound/agent"
	"github.com/overture-im/overture/internal/inbound/inboundtest"
	"github.com/overture-im/overture/internal/pubsub"
	"github.com/overture-im/overture/internal/store/storetest"
)

var noon = inboundtest.Noon

func clock() time.Time { return noon }

func person(i int) overture.Address { return overture.Address(fmt.Sprintf("+1212555%04d", i)) }

func TestPlan(t *testing.T) {
	const sales, support = overture.SkillID(1), overture.SkillID(2)
	a := func(id overture.UserID, open, capacity int, idleSince time.Duration, skills ...overture.SkillID) overture.Agent {
		return overture.Agent{UserID: id, Available: true, Open: open, Capacity: capacity, AssignedAt: noon.Add(idleSince), Skills: skills}
	}
	away := a(1, 0, 3, 0, sales)
	away.Available = false
	never := a(4, 0, 3, 0, sales)
	never.AssignedAt = time.Time{}
	for _, tc := range []struct {
		name    string
		waiting []overture.SkillID
		agents  []overture.Agent
		want    string
	}{
		{"by skill", []overture.SkillID{sales, support}, []overture.Agent{a(1, 0, 3, 0, support), a(2, 0, 3, 0, sales)}, "[2 1]"},
		{"no agent with the skill", []overture.SkillID{sales}, []overture.Agent{a(1, 0, 3, 0, support)}, "[]"},
		{"one waits in vain, the next does not", []overture.SkillID{sales, support}, []overture.Agent{a(1, 0, 3, 0, support)}, "[1]"},
		{"any agent", []overture.SkillID{0}, []overture.Agent{a(1, 0, 3, 0)}, "[1]"},
		{"capacity", []overture.SkillID{sales, sales, sales}, []overture.Agent{a(1, 1, 3, 0, sales)}, "[1 1]"},
		{"least loaded", []overture.SkillID{sales}, []overture.Agent{a(1, 2, 3, 0, sales), a(2, 1, 3, 0, sales)}, "[2]"},
		{"longest idle", []overture.SkillID{sales}, []overture.Agent{a(1, 1, 3, -time.Minute, sales), a(2, 1, 3, -time.Hour, sales)}, "[2]"},
		{"who never had one is idle longest", []overture.SkillID{sales}, []overture.Agent{a(1, 0, 3, -time.Hour, sales), never}, "[4]"},
		// After one each, load and time are equal: the lower id.
		{"in turn", []overture.SkillID{sales, sales, sales, sales}, []overture.Agent{a(1, 0, 3, -time.Minute, sales), a(2, 0, 3, -time.Hour, sales)}, "[2 1 1 2]"},
		{"away", []overture.SkillID{sales}, []overture.Agent{away}, "[]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var waiting []overture.WaitingConversation
			for i, k := range tc.waiting {
				waiting = append(waiting, overture.WaitingConversation{ConversationID: overture.ConversationID(i + 1), SkillID: k})
			}
			got := []int64{}
			for _, p := range agent.Plan(7, waiting, tc.agents, noon) {
				got = append(got, int64(p.AgentID))
			}
			if fmt.Sprint(got) != tc.want {
				t.Errorf("got %v, want %s", got, tc.want)
			}
		})
	}
}

// TestPlanNeverOverloads: whatever waits, nobody gets more than the capacity, or what they have no skill for, and nothing waits that somebody could take.
func TestPlanNeverOverloads(t *testing.T) {
	skill := rapid.Map(rapid.IntRange(0, 3), func(i int) overture.SkillID { return overture.SkillID(i) })
	rapid.Check(t, func(rt *rapid.T) {
		var agents []overture.Agent
		for i := range rapid.IntRange(0, 5).Draw(rt, "agents") {
			agents = append(agents, overture.Agent{
				UserID: overture.UserID(i + 1), Available: rapid.Bool().Draw(rt, "available"), Capacity: rapid.IntRange(0, 4).Draw(rt, "capacity"),
				Open: rapid.IntRange(0, 4).Draw(rt, "open"), Skills: rapid.SliceOfN(skill, 0, 3).Draw(rt, "skills"),
			})
		}
		var waiting []overture.WaitingConversation
		for i := range rapid.IntRange(0, 20).Draw(rt, "waiting") {
			waiting = append(waiting, overture.WaitingConversation{ConversationID: overture.ConversationID(i + 1), SkillID: skill.Draw(rt, "skill")})
		}
		open, has := map[overture.UserID]int{}, map[overture.ConversationID]bool{}
		by := map[overture.UserID]overture.Agent{}
		for _, a := range agents {
			by[a.UserID], open[a.UserID] = a, a.Open
		}
		able := func(a overture.Agent, k overture.SkillID) bool {
			for _, s := range a.Skills {
				if s == k {
					return true
				}
			}
			return k == 0
		}
		for _, p := range agent.Plan(7, waiting, agents, noon) {
			a := by[p.AgentID]
			open[p.AgentID]++
			if !a.Available || open[p.AgentID] > a.Capacity || !able(a, p.SkillID) || has[p.ConversationID] {
				rt.Fatalf("bad assignment %+v to %+v", p, a)
			}
			has[p.ConversationID] = true
		}
		for _, w := range waiting {
			for _, a := range agents {
				if !has[w.ConversationID] && a.Available && open[a.UserID] < a.Capacity && able(a, w.SkillID) {
					rt.Fatalf("%+v waits although %+v has room", w, a)
				}
			}
		}
	})
}

func settle(t *testing.T, d *inboundtest.Desk) {
	t.Helper()
	r := agent.NewRouter(d.Store, pubsub.New(), inboundtest.Silence(), clock)
	for {
		n, err := r.Step(t.Context())
		if err != nil {
			t.Fatalf("assign: %v", err)
		}
		if n == 0 {
			return
		}
	}
}

func holds(t *testing.T, d *inboundtest.Desk, user overture.UserID) int {
	t.Helper()
	return d.Count(t, `SELECT count(*) FROM conversation WHERE agent_id = $1 AND state = 'assigned'`, user)
}

func TestRouterAssignsBySkillAndCapacity(t *testing.T) {
	s := storetest.Open(t)
	d, other := inboundtest.NewDesk(t, s), inboundtest.NewDesk(t, s)
	support := d.NewSkill(t, "support")
	ann, bob := d.NewAgent(t, "ann", 2, d.Skill), d.NewAgent(t, "bob", 3, support)
	stranger := other.NewAgent(t, "eve", 9, other.Skill)
	gone := d.NewAgent(t, "gone", 9, d.Skill, support)
	d.Exec(t, `UPDATE app_user SET disabled = TRUE WHERE id = $1`, gone)
	moved := d.NewAgent(t, "moved", 9, d.Skill, support)
	d.Exec(t, `UPDATE app_user SET role = 'campaign_manager' WHERE id = $1`, moved)
	for i := range 4 {
		d.Waiting(t, person(i), d.Skill)
	}
	d.Waiting(t, person(10), support)
	d.Waiting(t, person(11), 0) // any agent
	settle(t, d)
	if a, b := holds(t, d, ann), holds(t, d, bob); a != 2 || b != 2 {
		t.Errorf("ann holds %d and bob %d, want 2 and 2", a, b)
	}
	if n := holds(t, d, stranger) + holds(t, d, gone) + holds(t, d, moved); n != 0 {
		t.Errorf("%d conversations went to a stranger, a disabled user or a campaign manager", n)
	}
	first := d.Words(t, `SELECT address FROM conversation WHERE agent_id = $1 ORDER BY id`, ann)
	if fmt.Sprint(first) != fmt.Sprint([]overture.Address{person(0), person(1)}) {
		t.Errorf("ann got %v, want the two that waited longest", first)
	}
	// A closed conversation makes room; a second round assigns the next.
	d.Exec(t, `UPDATE conversation SET state = 'closed' WHERE address = $1`, string(person(0)))
	settle(t, d)
	if n := d.Count(t, `SELECT count(*) FROM conversation WHERE agent_id = $1 AND address = $2`, ann, string(person(2))); n != 1 {
		t.Error("the room that a closed conversation left was not used")
	}
}

func TestPresence(t *testing.T) {
	s := storetest.Open(t)
	d, other := inboundtest.NewDesk(t, s), inboundtest.NewDesk(t, s)
	user, manager := d.NewUser(t, "ann", overture.AgentRole), d.NewUser(t, "max", overture.CampaignManager)
	bus := pubsub.New()
	woken, unsubscribe := bus.Subscribe("inbound")
	defer unsubscribe()
	r := agent.NewRoster(s, bus, clock)
	ctx := t.Context()
	a, err := r.Agent(ctx, d.Tenant.ID, user)
	if err != nil || a.Available || a.Capacity != overture.DefaultCapacity {
		t.Fatalf("before: %+v, %v", a, err)
	}
	if a, err = r.SetPresence(ctx, d.Tenant.ID, user, agent.Presence{Available: true, Capacity: 5}); err != nil || !a.Available || a.Capacity != 5 {
		t.Fatalf("available: %+v, %v", a, err)
	}
	select {
	case <-woken:
	default:
		t.Error("an agent became available and nobody was woken")
	}
	if a, err = r.SetPresence(ctx, d.Tenant.ID, user, agent.Presence{}); err != nil || a.Available || a.Capacity != 5 {
		t.Fatalf("away: %+v, %v", a, err)
	}
	for name, try := range map[string]func() error{
		"campaign manager": func() error {
			_, err := r.SetPresence(ctx, d.Tenant.ID, manager, agent.Presence{Available: true})
			return err
		},
		"another account's user": func() error {
			_, err := r.SetPresence(ctx, other.Tenant.ID, user, agent.Presence{Available: true})
			return err
		},
	} {
		if err := try(); !errors.Is(err, overture.NotFound) {
			t.Errorf("%s: %v, want not found", name, err)
		}
	}
	if _, err := r.SetPresence(ctx, d.Tenant.ID, user, agent.Presence{Available: true, Capacity: 101}); !errors.Is(err, overture.Invalid) {
		t.Errorf("capacity 101: %v", err)
	}
	list, err := r.List(ctx, d.Tenant.ID, 0, 10)
	if err != nil || len(list) != 1 || list[0].UserID != user {
		t.Errorf("agents: %+v, %v; want only ann", list, err)
	}
}

// TestAcceptHasOneWinner: many agents and the router want the same conversation at the same moment (I19).
func TestAcceptHasOneWinner(t *testing.T) {
	d := inboundtest.NewDesk(t, storetest.Open(t))
	var users []overture.UserID
	for i := range 6 {
		users = append(users, d.NewAgent(t, fmt.Sprint("agent", i), 3, d.Skill))
	}
	routed := d.NewAgent(t, "routed", 3, d.Skill)
	for round := range 5 {
		id := d.Waiting(t, person(round), d.Skill)
		var wg sync.WaitGroup
		var mu sync.Mutex
		won, taken := 0, 0
		for _, u := range users {
			wg.Go(func() {
				ok, err := d.Store.Assign(t.Context(), overture.Assignment{AccountID: d.Tenant.ID, ConversationID: id, AgentID: u, ByHand: true}, noon)
				mu.Lock()
				defer mu.Unlock()
				var e *overture.Error
				switch {
				case ok && err == nil:
					won++
				case errors.As(err, &e) && e.Code == "conversation_taken":
					taken++
				default:
					t.Errorf("accept: %v, %v", ok, err)
				}
			})
		}
		wg.Go(func() {
			ok, err := d.Store.Assign(t.Context(), overture.Assignment{AccountID: d.Tenant.ID, ConversationID: id, AgentID: routed, SkillID: d.Skill}, noon)
			if err != nil {
				t.Errorf("router: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if ok {
				won++
			}
		})
		wg.Wait()
		if won != 1 {
			t.Fatalf("round %d: %d winners", round, won)
		}
		d.Exec(t, `UPDATE conversation SET state = 'closed' WHERE id = $1`, id)
	}
}

// TestCapacityHoldsUnderRace: many conversations for one agent at the same moment never exceed the capacity.
func TestCapacityHoldsUnderRace(t *testing.T) {
	d := inboundtest.NewDesk(t, storetest.Open(t))
	for round := range 10 {
		user := d.NewAgent(t, fmt.Sprint("agent", round), 2, d.Skill)
		var ids []overture.ConversationID
		for i := range 6 {
			ids = append(ids, d.Waiting(t, person(round*10+i), d.Skill))
		}
		var wg sync.WaitGroup
		start := make(chan struct{})
		for _, id := range ids {
			wg.Go(func() {
				<-start
				if _, err := d.Store.Assign(t.Context(), overture.Assignment{AccountID: d.Tenant.ID, ConversationID: id, AgentID: user, SkillID: d.Skill}, noon); err != nil {
					t.Errorf("assign: %v", err)
				}
			})
		}
		close(start)
		wg.Wait()
		if n := holds(t, d, user); n != 2 {
			t.Fatalf("round %d: the agent holds %d, want 2", round, n)
		}
	}
}

func TestRunWorksAndStops(t *testing.T) {
	d := inboundtest.NewDesk(t, storetest.Open(t))
	bus := pubsub.New()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		agent.NewRouter(d.Store, bus, inboundtest.Silence(), clock).Run(ctx)
		close(done)
	}()
	d.Waiting(t, person(1), d.Skill)
	user := d.NewUser(t, "ann", overture.AgentRole)
	d.Exec(t, `INSERT INTO agent_skill (user_id, skill_id) VALUES ($1, $2)`, user, d.Skill)
	if _, err := agent.NewRoster(d.Store, bus, clock).SetPresence(ctx, d.Tenant.ID, user, agent.Presence{Available: true}); err != nil {
		t.Fatal(err)
	}
	for holds(t, d, user) == 0 { // the test's own time-out is the limit
		runtime.Gosched()
	}
	cancel()
	<-done
}
