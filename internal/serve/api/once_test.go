package api_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

func (w *world) count(query string, args ...any) int {
	w.t.Helper()
	var n int
	w.must(w.store.DB().Read.QueryRowContext(w.t.Context(), query, args...).Scan(&n))
	return n
}

func (w *world) skillsNamed(name string) int {
	w.t.Helper()
	return w.count(`SELECT COUNT(*) FROM skill WHERE name = $1`, name)
}

func TestIdempotencyKeyGivesTheFirstAnswerAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(w.a, overture.Administrator)
	first := w.do(admin, "POST", "/v1/skills", `{"name":"once"}`, "Idempotency-Key", "k1")
	if first.status != 201 {
		t.Fatalf("first call: %d %s", first.status, first.body)
	}
	again := w.do(admin, "POST", "/v1/skills", `{"name":"once"}`, "Idempotency-Key", "k1")
	if again.status != first.status || again.body != first.body || again.header.Get("Content-Type") != first.header.Get("Content-Type") {
		t.Errorf("second call: %d %s, want %d %s", again.status, again.body, first.status, first.body)
	}
	if again.header.Get("Idempotent-Replayed") != "true" || first.header.Get("Idempotent-Replayed") != "" {
		t.Error("only the second answer is a repetition")
	}
	if n := w.skillsNamed("once"); n != 1 {
		t.Errorf("%d skills, want 1", n)
	}

	// A refusal had no effect: the same request is judged anew, because what it was refused for may be over.
	for range 2 {
		if taken := w.do(admin, "POST", "/v1/skills", `{"name":"once"}`, "Idempotency-Key", "k2"); taken.status != 409 || taken.header.Get("Idempotent-Replayed") != "" {
			t.Errorf("refusal: %d, replayed %q; want 409, judged anew", taken.status, taken.header.Get("Idempotent-Replayed"))
		}
	}

	for name, got := range map[string]answer{
		"another body":  w.do(admin, "POST", "/v1/skills", `{"name":"twice"}`, "Idempotency-Key", "k1"),
		"another asker": w.do(w.as(w.a, overture.Administrator), "POST", "/v1/skills?", `{"name":"once"}`, "Idempotency-Key", "k1"),
	} {
		want := 422
		if name == "another asker" {
			want = 201 // the same user with another session is the same asker
		}
		if got.status != want {
			t.Errorf("%s: %d %s, want %d", name, got.status, got.body, want)
		}
	}
	if got := w.do(w.key(w.a, access.SkillsWrite), "POST", "/v1/skills", `{"name":"once"}`, "Idempotency-Key", "k1"); got.field(t, "code") != "idempotency_mismatch" {
		t.Errorf("another asker got %d %s", got.status, got.body)
	}
	if got := w.do(w.as(w.b, overture.Administrator), "POST", "/v1/skills", `{"name":"once"}`, "Idempotency-Key", "k1"); got.status != 201 || got.body == first.body {
		t.Errorf("another account with the same key: %d %s, want its own effect", got.status, got.body)
	}
	if got := w.do(admin, "POST", "/v1/skills", `{"name":"x"}`, "Idempotency-Key", strings.Repeat("k", 256)); got.field(t, "code") != "idempotency_key" {
		t.Errorf("a key too long: %d %s", got.status, got.body)
	}
	other := w.do(admin, "POST", "/v1/brands", `{"name":"once"}`, "Idempotency-Key", "k1")
	if other.status != 201 {
		t.Errorf("the same key on another route: %d %s", other.status, other.body)
	}
}

func TestIdempotencyCoversTheWholePath(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(w.a, overture.Administrator)
	if got := w.do(admin, "POST", "/v1/senders/"+w.a.ids["sender"]+"/stop", "", "Idempotency-Key", "k"); got.status != 200 {
		t.Fatalf("stop: %d %s", got.status, got.body)
	}
	if got := w.do(admin, "POST", "/v1/senders/snd_5/stop", "", "Idempotency-Key", "k"); got.field(t, "code") != "idempotency_mismatch" {
		t.Errorf("the same key for another sender: %d %s", got.status, got.body)
	}
}

func TestConcurrentCallsWithOneKeyHaveOneEffect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(w.a, overture.Administrator)
	const callers = 16
	answers := make([]answer, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for { // a caller who is told to wait asks again
				answers[i] = w.do(admin, "POST", "/v1/skills", `{"name":"race"}`, "Idempotency-Key", "race")
				if answers[i].status != 409 || answers[i].header.Get("Retry-After") == "" {
					return
				}
			}
		})
	}
	all.Wait()
	for _, got := range answers {
		if got.status != 201 || got.body != answers[0].body {
			t.Errorf("answers differ: %d %s, %d %s", got.status, got.body, answers[0].status, answers[0].body)
		}
	}
	if n := w.skillsNamed("race"); n != 1 {
		t.Errorf("%d effects of %d calls, want 1", n, callers)
	}
}

func call(w *world, key string) overture.IdempotentCall {
	return overture.IdempotentCall{AccountID: w.a.id, Route: "POST /v1/skills", Key: key, Claim: "dead process", BodyHash: "h"}
}

func TestInFlightAndCrashedCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(w.a, overture.Administrator)
	ctx := t.Context()
	now := time.Now()
	post := func(key string) answer {
		return w.do(admin, "POST", "/v1/skills", fmt.Sprintf(`{"name":%q}`, key), "Idempotency-Key", key)
	}
	begin := func(key string, lease time.Time) context.Context {
		t.Helper()
		ctx, _, again, err := w.store.BeginIdempotent(ctx, call(w, key), now, lease)
		if err != nil || again {
			t.Fatalf("begin: again %v, %v", again, err)
		}
		return ctx
	}
	effect := func(ctx context.Context, name string) error {
		return w.store.CreateSkill(ctx, overture.Actor{AccountID: w.a.id}, overture.Skill{ID: overture.SkillID(w.store.NewID()), AccountID: w.a.id, Name: name}, now)
	}

	begin("running", now.Add(time.Minute))
	if got := post("running"); got.status != 409 || got.field(t, "code") != "idempotency_in_flight" || got.header.Get("Retry-After") != "1" {
		t.Errorf("in flight: %d %s, Retry-After %q", got.status, got.body, got.header.Get("Retry-After"))
	}

	// The process died before anything happened: once its lease is over the call is carried out.
	dead := begin("died-early", now.Add(-time.Second))
	if got := post("died-early"); got.status != 201 {
		t.Errorf("after a crash without effect: %d %s, want 201", got.status, got.body)
	}
	// It was not dead but slow: without its claim its effect must not happen.
	if err := effect(dead, "late effect"); overture.KindOf(err) != overture.Conflict || w.skillsNamed("late effect") != 0 {
		t.Errorf("a process that lost its claim took effect: %v", err)
	}

	// The process died after the effect and before the answer was kept: no second effect, ever.
	if err := effect(begin("died-late", now.Add(-time.Second)), "died-late"); err != nil {
		t.Fatal(err)
	}
	if got := post("died-late"); got.status != 409 || got.field(t, "code") != "idempotency_interrupted" {
		t.Errorf("after a crash with effect: %d %s", got.status, got.body)
	}
	if n := w.skillsNamed("died-late"); n != 1 {
		t.Errorf("%d effects, want 1", n)
	}

	// What a start does: claims without effect go, marks of effects stay their day.
	begin("left-over", now.Add(-time.Second))
	if err := w.store.ReleaseIdempotent(ctx, now, now.Add(-24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := w.count(`SELECT COUNT(*) FROM idempotency WHERE idem_key = 'left-over'`); n != 0 {
		t.Error("the claim of a dead process is still there")
	}
	if n := w.count(`SELECT COUNT(*) FROM idempotency WHERE idem_key = 'died-late'`); n != 1 {
		t.Error("the mark of an effect is gone before its day was over")
	}
	if err := w.store.ReleaseIdempotent(ctx, now.Add(25*time.Hour), now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := w.count(`SELECT COUNT(*) FROM idempotency`); n != 0 {
		t.Errorf("%d records are older than a day, want none", n)
	}
}

func TestKeptAnswersDoNotShowSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(w.a, overture.Administrator)
	first := w.do(admin, "POST", "/v1/api-keys", `{"name":"k","scopes":["campaigns:read"]}`, "Idempotency-Key", "k")
	secret := first.field(t, "secret")
	if !strings.HasPrefix(secret, "ovk_") {
		t.Fatalf("no secret in %s", first.body)
	}
	if again := w.do(admin, "POST", "/v1/api-keys", `{"name":"k","scopes":["campaigns:read"]}`, "Idempotency-Key", "k"); again.body != first.body {
		t.Errorf("the answer was not repeated: %s", again.body)
	}
	if got := w.do(caller{key: secret}, "GET", "/v1/session", ""); got.status != 200 {
		t.Errorf("the key does not work: %d %s", got.status, got.body)
	}
	if list := w.do(admin, "GET", "/v1/api-keys", ""); strings.Contains(list.body, secret) || !strings.Contains(list.body, secret[:10]) {
		t.Errorf("the list shows the secret, or not its beginning: %s", list.body)
	}
}

func TestAnUploadCanBeRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.as(w.a, overture.Administrator)
	draft := w.do(admin, "POST", "/v1/campaigns/"+w.a.ids["campaign"]+"/duplicate", "")
	w.want(201, draft)
	upload := func(body, query string) answer {
		return w.do(admin, "POST", "/v1/campaigns/"+draft.field(t, "id")+"/recipients/csv"+query, body, "Idempotency-Key", "list", "Content-Type", "text/csv")
	}
	before := w.count(`SELECT COUNT(*) FROM list_import`)
	const list = "+12125550130\n+12125550131\nno number\n"
	first := upload(list, "")
	if first.status != 201 || first.field(t, "valid") != "2" {
		t.Fatalf("upload: %d %s", first.status, first.body)
	}
	if again := upload(list, ""); again.status != 201 || again.body != first.body || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("again: %d %s, want %s", again.status, again.body, first.body)
	}
	for name, got := range map[string]answer{"another file": upload(list+"+12125550132\n", ""), "other options": upload(list, "?header=no"), "cut off": upload(list[:20], "")} {
		if got.status != 422 || got.field(t, "code") != "idempotency_mismatch" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if n := w.count(`SELECT COUNT(*) FROM list_import`) - before; n != 1 {
		t.Errorf("%d imports, want 1", n)
	}
}
