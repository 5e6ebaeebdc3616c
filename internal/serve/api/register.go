package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/overture-im/overture/internal/access"
)

// operation describes a JSON route.
type operation struct {
	Method      string
	Path        string // "/v1/campaigns/{campaign}"
	Summary     string // one line for the reader of the description
	Description string
	Tag         string // groups routes in the description
	Status      int    // of success; default 200, or 204 without a body
	MaxBody     int64  // bytes; default 1 MiB
}

// plain describes a route that reads or writes a stream.
type plain struct {
	Method      string
	Path        string
	Summary     string
	Description string
	Tag         string
	Status      int    // of success; default 200
	Consumes    string // content type of the body; empty: no body
	Produces    string // content type of the answer
	MaxBody     int64  // bytes; default 1 MiB
	Query       []query
	Answer      any // zero value of the JSON answer's type, when Produces is application/json
}

// query describes a query parameter of a plain route.
type query struct {
	Name string
	Doc  string
	Enum []string
}

// noContent is the output of a route that answers 204.
type noContent struct{}

const defaultMaxBody = 1 << 20

// register adds a JSON route. Its permission is an argument of its own: a route without one does not compile.
func register[I, O any](a *API, permission access.Permission, op operation, do func(context.Context, access.Identity, *I) (*O, error)) {
	_, hasBody := reflect.TypeFor[I]().FieldByName("Body")
	rt := a.add(Route{Method: op.Method, Path: op.Path, Permission: permission, maxBody: op.MaxBody, json: hasBody})
	mustBeSeen(rt, reflect.TypeFor[I]())
	mustBeSeen(rt, reflect.TypeFor[O]())
	h := huma.Operation{
		OperationID: operationID(op.Method, op.Path), Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.Description,
		Tags: []string{op.Tag}, DefaultStatus: op.Status, MaxBodyBytes: rt.maxBody, BodyReadTimeout: bodyWait,
		Responses: map[string]*huma.Response{"default": a.problemResponse()},
	}
	a.secureOperation(&h, rt)
	h.Middlewares = huma.Middlewares{func(hc huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(hc)
		a.guard(rt, w, r, func(w http.ResponseWriter, r *http.Request, _ access.Identity) {
			next(humago.NewContext(hc.Operation(), r, &corrected{w, exchangeOf(r.Context())}))
		})
	}}
	huma.Register(a.huma, h, func(ctx context.Context, in *I) (*O, error) {
		x := exchangeOf(ctx)
		out, err := do(ctx, x.who, in)
		if err != nil {
			x.err = err
			return nil, problemOf(err)
		}
		return out, nil
	})
}

// corrected writes the status that transform chose where huma had settled on another before it asked.
type corrected struct {
	http.ResponseWriter
	x *exchange
}

func (c *corrected) WriteHeader(status int) {
	if c.x.status != 0 {
		status = c.x.status
	}
	c.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach deadlines.
func (c *corrected) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// handle adds a route that streams. An error that do returns before it wrote anything becomes a problem; after that the connection is cut,
// so that a half answer cannot look whole.
func (a *API) handle(permission access.Permission, op plain, do func(w http.ResponseWriter, r *http.Request, who access.Identity) error) {
	rt := a.add(Route{Method: op.Method, Path: op.Path, Permission: permission, maxBody: op.MaxBody, stream: true})
	known := map[string]bool{}
	for _, q := range op.Query {
		known[q.Name] = true
	}
	a.mux.HandleFunc(rt.String(), func(w http.ResponseWriter, r *http.Request) {
		a.guard(rt, w, r, func(w http.ResponseWriter, r *http.Request, who access.Identity) {
			for name := range r.URL.Query() {
				if !known[name] {
					a.deny(w, r, &problem{
						Status: http.StatusUnprocessableEntity, Code: "invalid",
						Detail: "the request is not as /openapi.json describes it; errors says where",
						Errors: []problemField{{Location: clipLocation("query." + name), Message: "unknown query parameter"}},
					})
					return
				}
			}
			r.Body = &pacedBody{http.MaxBytesReader(w, r.Body, rt.maxBody), exchangeOf(r.Context())}
			out := &answer{ResponseWriter: w}
			if err := do(out, r, who); err != nil {
				if out.status != 0 {
					exchangeOf(r.Context()).err = err
					panic(http.ErrAbortHandler)
				}
				a.fail(w, r, err)
			}
		})
	})
	a.describePlain(rt, op)
}

func (a *API) add(rt Route) Route {
	if !rt.Permission.Exists() {
		panic(fmt.Sprintf("route %s asks for a permission that is not in the table of internal/access: %q", rt, rt.Permission))
	}
	if rt.maxBody == 0 {
		rt.maxBody = defaultMaxBody
	}
	a.table = append(a.table, rt)
	return rt
}

// mustBeSeen refuses an embedded struct that huma would silently pass over, with all its parameters.
func mustBeSeen(rt Route, t reflect.Type) {
	for f := range t.Fields() {
		if f.Anonymous && !f.IsExported() {
			panic(fmt.Sprintf("route %s: %s embeds %s, which huma does not see because it is not exported: name its fields, or export it", rt, t.Name(), f.Name))
		}
	}
}

// secureOperation writes into the description who may call the route.
func (a *API) secureOperation(h *huma.Operation, rt Route) {
	h.Extensions = map[string]any{"x-permission": string(rt.Permission)}
	if rt.Permission != access.Public {
		h.Security = []map[string][]string{{"session": {}}, {"key": {}}}
	}
	if rt.idempotent() {
		h.Parameters = append(h.Parameters, &huma.Param{
			Name: idempotencyHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "The same key with the same request gives the same answer for 24 hours, and has one effect",
		})
	}
}

func (a *API) problemResponse() *huma.Response {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem](), true, "")
	return &huma.Response{Description: "What went wrong", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: schema}}}
}

func (a *API) describePlain(rt Route, op plain) {
	if op.Status == 0 {
		op.Status = http.StatusOK
	}
	h := huma.Operation{
		OperationID: operationID(op.Method, op.Path), Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.Description,
		Tags: []string{op.Tag}, Responses: map[string]*huma.Response{"default": a.problemResponse()},
	}
	a.secureOperation(&h, rt)
	for _, name := range pathNames(op.Path) {
		h.Parameters = append(h.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	for _, q := range op.Query {
		s := &huma.Schema{Type: huma.TypeString}
		for _, e := range q.Enum {
			s.Enum = append(s.Enum, e)
		}
		h.Parameters = append(h.Parameters, &huma.Param{Name: q.Name, In: "query", Description: q.Doc, Schema: s})
	}
	if op.Consumes != "" {
		h.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			op.Consumes: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}}
	}
	ok := &huma.Response{Description: http.StatusText(op.Status)}
	if op.Answer != nil {
		ok.Content = map[string]*huma.MediaType{"application/json": {
			Schema: a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(op.Answer), true, ""),
		}}
	} else if op.Produces != "" {
		ok.Content = map[string]*huma.MediaType{op.Produces: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
	}
	h.Responses[strconv.Itoa(op.Status)] = ok
	a.huma.OpenAPI().AddOperation(&h)
}

// operationID makes "get-v1-campaigns-campaign" out of method and path: stable, and good enough as the name of a client's method.
func operationID(method, path string) string {
	clean := strings.NewReplacer("{", "", "}", "", "/", "-", ".", "-").Replace(strings.TrimPrefix(path, "/v1/"))
	return strings.ToLower(method) + "-" + clean
}

func pathNames(path string) []string {
	var names []string
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}
