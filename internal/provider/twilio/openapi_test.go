package twilio_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/overture-im/overture"
)

// TestRequestsAreValid checks every kind of request the adapter makes against Twilio's own OpenAPI description, which is not part of this
// repository: the test runs where OVERTURE_SPECS names its folder, or where ../shared/specs exists beside the checkout.
func TestRequestsAreValid(t *testing.T) {
	router := twilioAPI(t)
	var problems []string
	requests := 0
	const page = `{"messages":[],"next_page_uri":%s}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		if err := valid(r.Context(), router, r); err != nil {
			problems = append(problems, fmt.Sprintf("%s %s: %v", r.Method, r.URL, err))
		}
		next := "null"
		if r.Method == http.MethodGet && r.URL.Query().Get("PageToken") == "" {
			next = `"` + r.URL.Path + "?" + r.URL.RawQuery + `&Page=1&PageToken=PASM1"`
		}
		fmt.Fprintf(w, page, next)
	}))
	defer server.Close()
	c := client(t, 30*time.Second)
	withService := sender(server.URL)
	withService.MessagingServiceSID = "MGbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	for _, s := range []overture.Sender{sender(server.URL), withService} {
		for _, validFor := range []time.Duration{0, time.Second, 20 * time.Hour} {
			_, err := c.Send(t.Context(), s, overture.Outgoing{
				To: "+12125550123", Body: "Ünïcode & = + % 👍\nsecond line", ValidFor: validFor,
				StatusCallback: "https://hooks.example.test/hooks/twilio/wk/status?m=msg_9&t=tok",
			})
			if err == nil {
				t.Error("the fake answers 200, which must be a doubt")
			}
		}
		if _, err := c.Find(t.Context(), s, "+12125550123", time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)); err != nil {
			t.Errorf("Find: %v", err)
		}
	}
	if requests != 2*(3+4) {
		t.Errorf("%d requests were checked, want 14", requests)
	}
	for _, p := range problems {
		t.Error(p)
	}
}

// TestTheCheckCanFail keeps the test above honest.
func TestTheCheckCanFail(t *testing.T) {
	router := twilioAPI(t)
	at := "http://x/2010-04-01/Accounts/" + account + "/Messages.json"
	for name, bad := range map[string]*http.Request{
		"no To":             post(t, at, "Body=x&From=%2B15005550006"),
		"unknown field":     post(t, at, "To=%2B12125550123&Text=x"),
		"bad service":       post(t, at, "To=%2B12125550123&MessagingServiceSid=MG1"),
		"bad validity":      post(t, at, "To=%2B12125550123&ValidityPeriod=soon"),
		"bad account":       post(t, "http://x/2010-04-01/Accounts/AC1/Messages.json", "To=%2B12125550123"),
		"unknown parameter": httptest.NewRequestWithContext(t.Context(), http.MethodGet, at+"?Body=x", nil),
		"large page":        httptest.NewRequestWithContext(t.Context(), http.MethodGet, at+"?PageSize=1001", nil),
	} {
		if valid(t.Context(), router, bad) == nil {
			t.Errorf("%s: passes", name)
		}
	}
}

func post(t *testing.T, at, form string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, at, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// valid checks a request against the description, and that it uses no parameter or field that the description does not name.
func valid(ctx context.Context, router routers.Router, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.URL.Scheme, r.URL.Host, r.Host = "https", "api.twilio.com", "api.twilio.com"
	route, path, err := router.FindRoute(r)
	if err != nil {
		return err
	}
	if err := openapi3filter.ValidateRequest(ctx, &openapi3filter.RequestValidationInput{
		Request: r, PathParams: path, Route: route, Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}); err != nil {
		return err
	}
	for name := range r.URL.Query() {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil {
			return fmt.Errorf("query parameter %s is not described", name)
		}
	}
	for pair := range strings.SplitSeq(string(body), "&") {
		name, _, _ := strings.Cut(pair, "=")
		if name == "" {
			continue
		}
		schema := route.Operation.RequestBody.Value.Content["application/x-www-form-urlencoded"].Schema.Value
		if schema.Properties[name] == nil {
			return fmt.Errorf("form field %s is not described", name)
		}
	}
	return nil
}

func twilioAPI(t *testing.T) routers.Router {
	t.Helper()
	const name = "twilio-oai/twilio_api_v2010.json"
	var file string
	for _, dir := range []string{os.Getenv("OVERTURE_SPECS"), "../../../../shared/specs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil && dir != "" {
			file = filepath.Join(dir, name)
			break
		}
	}
	if file == "" {
		t.Skipf("Twilio's OpenAPI description is not here: set OVERTURE_SPECS to a folder that holds %s", name)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// Only the paths in use: the router validates all it gets.
	used := openapi3.NewPaths()
	const path = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
	used.Set(path, doc.Paths.Value(path))
	doc.Paths = used
	router, err := legacy.NewRouter(doc, openapi3.DisableExamplesValidation())
	if err != nil {
		t.Fatal(err)
	}
	return router
}
