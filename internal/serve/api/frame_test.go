package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

// keyDoor lets two keys in: "Bearer all" may everything a key can hold, "Bearer none" nothing.
type keyDoor struct{}

func (keyDoor) Session(context.Context, string) (access.Identity, error) {
	return access.Identity{}, errNobody("no sessions here")
}

func (keyDoor) Key(_ context.Context, secret string) (access.Identity, error) {
	switch secret {
	case "all":
		return access.Identity{AccountID: 1, KeyID: 1, Scopes: access.Scopes()}, nil
	case "none":
		return access.Identity{AccountID: 1, KeyID: 2}, nil
	}
	return access.Identity{}, errNobody("unknown key")
}

type pingInput struct {
	Skill skillRef `query:"skill"`
	Body  struct {
		Name  string   `json:"name" minLength:"1" maxLength:"10"`
		Brand brandRef `json:"brand,omitzero"`
		Tags  []string `json:"tags,omitempty"`
		N     *int     `json:"n,omitempty"`
	}
}

type pingOutput struct {
	Body struct {
		Name  string   `json:"name"`
		Brand brandRef `json:"brand,omitzero"`
		Tags  []string `json:"tags"`
	}
}

type thingInput struct {
	Paged
	Thing campaignRef `path:"thing"`
}

func frame(t *testing.T, deps Deps) (*API, http.Handler) {
	t.Helper()
	deps.Door = keyDoor{}
	a := New(deps)
	register(a, access.CampaignsWrite, operation{Method: "POST", Path: "/v1/ping", Summary: "ping", Tag: "test", Status: 201},
		func(_ context.Context, _ access.Identity, in *pingInput) (*pingOutput, error) {
			out := &pingOutput{}
			out.Body.Name, out.Body.Brand, out.Body.Tags = in.Body.Name, in.Body.Brand, in.Body.Tags
			return out, nil
		})
	register(a, access.CampaignsRead, operation{Method: "GET", Path: "/v1/things/{thing}", Summary: "thing", Tag: "test"},
		func(_ context.Context, _ access.Identity, in *thingInput) (*noContent, error) {
			if in.Thing.ID == 7 {
				return nil, context.DeadlineExceeded
			}
			if in.Thing.ID == 8 {
				panic("boom +12125550123")
			}
			return nil, overture.ErrNotFound("thing")
		})
	a.handle(access.RecipientsWrite, plain{Method: "POST", Path: "/v1/upload", Summary: "upload", Tag: "test", Consumes: "text/csv", MaxBody: 100},
		func(w http.ResponseWriter, r *http.Request, _ access.Identity) error {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			_, err = w.Write(b)
			return err
		})
	return a, a.Handler()
}

func TestRequestsThatAreWrongGetAProblem(t *testing.T) {
	t.Parallel()
	_, h := frame(t, Deps{})
	const body = "application/json"
	for name, tt := range map[string]struct {
		method, target, key, contentType, body string
		status                                 int
		code, location                         string
	}{
		"nobody":               {"POST", "/v1/ping", "", body, `{"name":"a"}`, 401, "not_signed_in", ""},
		"bad key":              {"POST", "/v1/ping", "x", body, `{"name":"a"}`, 401, "not_signed_in", ""},
		"no scope":             {"POST", "/v1/ping", "none", body, `{"name":"a"}`, 403, "forbidden", ""},
		"unknown route":        {"GET", "/v1/nothing", "all", "", "", 404, "route_not_found", ""},
		"wrong method":         {"PUT", "/v1/ping", "all", body, "{}", 405, "method_not_allowed", ""},
		"unknown field":        {"POST", "/v1/ping", "all", body, `{"name":"a","account_id":"acc_1"}`, 422, "invalid", "body.account_id"},
		"wrong type":           {"POST", "/v1/ping", "all", body, `{"name":5}`, 422, "invalid", "body.name"},
		"missing":              {"POST", "/v1/ping", "all", body, `{}`, 422, "invalid", "body"},
		"too long":             {"POST", "/v1/ping", "all", body, `{"name":"12345678901"}`, 422, "invalid", "body.name"},
		"null list":            {"POST", "/v1/ping", "all", body, `{"name":"a","tags":[1]}`, 422, "invalid", "body.tags[0]"},
		"named twice":          {"POST", "/v1/ping", "all", body, `{"name":"a","NAME":"12345678901234"}`, 400, "body_not_json", "body"},
		"id of another kind":   {"POST", "/v1/ping", "all", body, `{"name":"a","brand":"cmp_1"}`, 422, "invalid", "body.brand"},
		"id in the query":      {"POST", "/v1/ping?skill=5", "all", body, `{"name":"a"}`, 422, "invalid", "query.skill"},
		"unknown query":        {"POST", "/v1/ping?x=5", "all", body, `{"name":"a"}`, 422, "invalid", "query.x"},
		"no JSON":              {"POST", "/v1/ping", "all", body, `{"name":`, 400, "body_not_json", "body"},
		"two bodies":           {"POST", "/v1/ping", "all", body, `{"name":"a"}{"name":"b"}`, 400, "body_not_json", "body"},
		"no body":              {"POST", "/v1/ping", "all", body, ``, 400, "body_not_json", ""},
		"form":                 {"POST", "/v1/ping", "all", "application/x-www-form-urlencoded", `name=a`, 415, "content_type", ""},
		"text":                 {"POST", "/v1/ping", "all", "text/plain", `{"name":"a"}`, 415, "content_type", ""},
		"too large":            {"POST", "/v1/ping", "all", body, `{"name":"` + strings.Repeat("a", 1<<20) + `"}`, 413, "body_too_large", ""},
		"deep":                 {"POST", "/v1/ping", "all", body, strings.Repeat("[", 100), 400, "body_not_json", "body"},
		"no id in the path":    {"GET", "/v1/things/5", "all", "", "", 404, "not_found", "path.thing"},
		"unknown id":           {"GET", "/v1/things/cmp_5", "all", "", "", 404, "thing_not_found", ""},
		"limit":                {"GET", "/v1/things/cmp_5?limit=1000", "all", "", "", 422, "invalid", "query.limit"},
		"broken":               {"GET", "/v1/things/cmp_7", "all", "", "", 500, "internal", ""},
		"panic":                {"GET", "/v1/things/cmp_8", "all", "", "", 500, "internal", ""},
		"upload too large":     {"POST", "/v1/upload", "all", "text/csv", strings.Repeat("a", 101), 413, "body_too_large", ""},
		"upload unknown query": {"POST", "/v1/upload?x=1", "all", "text/csv", "a", 422, "invalid", "query.x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(tt.method, tt.target, strings.NewReader(tt.body))
			if tt.key != "" {
				r.Header.Set("Authorization", "Bearer "+tt.key)
			}
			if tt.contentType != "" {
				r.Header.Set("Content-Type", tt.contentType)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			var p problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatalf("answer is not JSON: %v: %s", err, w.Body)
			}
			if w.Code != tt.status || p.Status != tt.status || p.Code != tt.code {
				t.Errorf("got %d %d %s, want %d %s: %s", w.Code, p.Status, p.Code, tt.status, tt.code, w.Body)
			}
			if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("Content-Type = %q", got)
			}
			if p.RequestID == "" || p.Detail == "" || p.Title == "" {
				t.Errorf("problem is not complete: %s", w.Body)
			}
			if tt.location != "" && tt.status == 422 && (len(p.Errors) == 0 || p.Errors[0].Location != tt.location) {
				t.Errorf("errors = %v, want location %s", p.Errors, tt.location)
			}
			if strings.Contains(w.Body.String(), "12345678901") || strings.Contains(w.Body.String(), "2125550123") || len(w.Body.String()) > 2000 {
				t.Errorf("the answer repeats what was sent: %s", w.Body)
			}
		})
	}
}

func TestAGoodRequest(t *testing.T) {
	t.Parallel()
	_, h := frame(t, Deps{})
	r := httptest.NewRequest("POST", "/v1/ping", strings.NewReader(`{"name":"a<b","brand":"brd_5","tags":["x"]}`))
	r.Header.Set("Authorization", "Bearer all")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if got, want := w.Body.String(), `{"name":"a<b","brand":"brd_5","tags":["x"]}`+"\n"; w.Code != 201 || got != want {
		t.Fatalf("got %d %s, want 201 %s", w.Code, got, want)
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"RateLimit-Policy": `"requests";q=200;w=4`, "Content-Type": "application/json",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}
