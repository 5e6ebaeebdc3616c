package api

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/kit/bucket"
	"github.com/overture-im/overture/internal/serve/api/speech"
)

// Deps are the rooms behind the door, one field per room, and the settings of the door itself.
type Deps struct {
	Log         *slog.Logger
	PublicURL   string                       // where people reach the server; https makes cookies Secure
	ClientIP    func(r *http.Request) string // nil: the peer's address. Set it only behind a proxy that can be trusted
	Limits      Limits                       // zero: the defaults
	Idempotency idempotencyStore

	Setup   setupRoom
	Product Product

	Door     door
	Sessions sessionRoom
	Users    userRoom
	Keys     keyRoom
	Accounts accountRoom
	Senders  senderRoom
	Health   healthRoom

	Consent       consentRoom
	Conversations conversationRoom
	Agents        agentRoom

	Campaigns     campaignRoom
	Recipients    recipientRoom
	MaxUploadRows int // of one CSV file; 0: 2,000,000
	Forecasts     forecastRoom
	Figures       figureRoom
	Exports       exportRoom
	Policy        policyRoom
	Phones        phoneRoom
	Retention     retentionRoom
}

// API is the door for programs and pages.
type API struct {
	deps    Deps
	mux     *http.ServeMux
	huma    huma.API
	table   []Route
	limits  Limits
	speech  *speech.Speech
	callers *bucket.Set
	spec    func() ([]byte, error)
}

// Route is one registered route, for the tests that hold every route to its permission.
type Route struct {
	Method     string
	Path       string
	Permission access.Permission
	maxBody    int64
	stream     bool
	json       bool // takes a JSON body
}

// TakesJSON tells whether the route has a JSON body.
func (r Route) TakesJSON() bool { return r.json }

func (r Route) String() string { return r.Method + " " + r.Path }

// New registers every route. It panics on a route that is described wrongly, which a test sees before anybody else does.
func New(deps Deps) *API {
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.ClientIP == nil {
		deps.ClientIP = peerAddress
	}
	a := &API{deps: deps, mux: http.NewServeMux(), limits: deps.Limits.withDefaults(), speech: speech.New(), callers: bucket.New(maxCallers)}
	a.huma = humago.New(a.mux, huma.Config{
		OpenAPI:                      description(),
		Formats:                      map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{a.transform},
	})
	a.routes()
	arraysAreNeverNull(a.huma.OpenAPI())
	a.spec = sync.OnceValues(a.describe)
	return a
}

// routes registers every resource; each has a file of its own.
func (a *API) routes() {
	a.registerServer()
	a.registerSession()
	a.registerUsers()
	a.registerKeys()
	a.registerAccount()
	a.registerBrands()
	a.registerSkills()
	a.registerSenders()
	a.registerPrices()
	a.registerPolicy()
	a.registerRetention()
	a.registerAudit()
	a.registerHealth()
	a.registerOptOuts()
	a.registerConversations()
	a.registerAgents()
	a.registerCampaigns()
	a.registerRecipients()
	a.registerProgress()
	a.registerForecasts()
	a.registerText()
	a.registerMessages()
	a.registerHeld()
	a.registerFigures()
	a.registerAnalytics()
	a.registerExports()
	a.registerPhones()
}

// Routes lists what is registered.
func (a *API) Routes() []Route { return a.table }

// OpenAPI gives the description of the API, indented.
func (a *API) OpenAPI() ([]byte, error) { return a.spec() }

// Handler serves /v1/ and /openapi.json.
func (a *API) Handler() http.Handler {
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.deny(w, r, &problem{
			Status: http.StatusForbidden, Code: "cross_origin",
			Detail: "a page of another site made this request; call the API from Overture's own pages or with an API key",
		})
	}))
	return a.observe(compress(origins.Handler(http.HandlerFunc(a.dispatch))))
}

func (a *API) dispatch(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/openapi.json" && r.Method == http.MethodGet {
		a.serveSpec(w, r)
		return
	}
	if h, pattern := a.mux.Handler(r); pattern == "" {
		if !a.admit(w, r, "ip:"+exchangeOf(r.Context()).client, a.limits.PerAddress) {
			return
		}
		a.unknown(w, r, h)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// unknown answers for a path or method that does not exist, with the mux's own verdict as problem+json.
func (a *API) unknown(w http.ResponseWriter, r *http.Request, verdict http.Handler) {
	probe := httptest.NewRecorder()
	verdict.ServeHTTP(probe, r)
	if allow := probe.Header().Get("Allow"); probe.Code == http.StatusMethodNotAllowed && allow != "" {
		w.Header().Set("Allow", allow)
		a.deny(w, r, &problem{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Detail: "this path takes " + allow})
		return
	}
	a.deny(w, r, &problem{Status: http.StatusNotFound, Code: "route_not_found", Detail: "there is no such path; /openapi.json lists them all"})
}

func (a *API) serveSpec(w http.ResponseWriter, r *http.Request) {
	spec, err := a.OpenAPI()
	if err != nil {
		a.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(spec) // the client is gone; nothing to do
}

// describe writes the OpenAPI document; the framework's own error type is not part of our API.
func (a *API) describe() ([]byte, error) {
	doc := a.huma.OpenAPI()
	delete(doc.Components.Schemas.Map(), "ErrorModel")
	delete(doc.Components.Schemas.Map(), "ErrorDetail")
	raw, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("describe the API: %w", err)
	}
	return append(raw, '\n'), nil
}

func description() *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title:   "Overture",
			Version: "1.0.0",
			Description: "Proactive messaging. Every error is problem+json with a stable code. Every POST takes an Idempotency-Key. " +
				"Lists page by ?limit= and ?cursor=.",
		},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"session": {Type: "apiKey", In: "cookie", Name: SessionCookie, Description: "set by POST /v1/session"},
				"key":     {Type: "http", Scheme: "bearer", Description: "an API key: Authorization: Bearer ovk_…"},
			},
		},
	}
}

func isHTTPS(publicURL string) bool { return strings.HasPrefix(publicURL, "https://") }
