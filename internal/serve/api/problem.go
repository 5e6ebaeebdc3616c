package api

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/overture-im/overture"
)

// problem is every error of the API, as RFC 9457 says. It never repeats what the caller sent.
type problem struct {
	Title     string         `json:"title" doc:"The HTTP status in words"`
	Status    int            `json:"status" doc:"The HTTP status"`
	Code      string         `json:"code" doc:"Stable word for programs, such as campaign_not_draft"`
	Detail    string         `json:"detail" doc:"What is wrong and what to do"`
	RequestID string         `json:"request_id,omitempty" doc:"Name it when you ask the operator"`
	Errors    []problemField `json:"errors,omitempty" doc:"Each wrong input"`

	retryAfter time.Duration
}

// problemField is one wrong input.
type problemField struct {
	Location string `json:"location" doc:"Where, such as body.name or query.limit"`
	Message  string `json:"message" doc:"What is wrong with it"`
}

func (p *problem) Error() string { return p.Detail }

// GetStatus tells huma the status.
func (p *problem) GetStatus() int { return p.Status }

// ContentType tells huma the content type.
func (p *problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders tells huma the headers.
func (p *problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	return h
}

// statuses is the one table from kinds to HTTP.
var statuses = map[overture.Kind]int{
	overture.Invalid:      http.StatusUnprocessableEntity,
	overture.Unauthorized: http.StatusUnauthorized,
	overture.Forbidden:    http.StatusForbidden,
	overture.NotFound:     http.StatusNotFound,
	overture.Conflict:     http.StatusConflict,
	overture.TooLarge:     http.StatusRequestEntityTooLarge,
	overture.TooMany:      http.StatusTooManyRequests,
	overture.Unavailable:  http.StatusServiceUnavailable,
	overture.Internal:     http.StatusInternalServerError,
}

// retrySoon is what a 429 or 503 says when the room did not say how long.
const retrySoon = time.Second

// problemOf turns an error of a room into what the caller may see. The rest goes to the log with the request id.
func problemOf(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return bodyTooLarge(tooLarge.Limit)
	}
	var known *overture.Error
	if !errors.As(err, &known) && errors.Is(err, os.ErrDeadlineExceeded) {
		return &problem{Status: http.StatusRequestTimeout, Code: "body_too_slow", Detail: "the body came too slowly; send the request again"}
	}
	kind := overture.KindOf(err)
	p = &problem{Status: statuses[kind], Code: string(kind)}
	if p.Status == 0 {
		p.Status = http.StatusInternalServerError
	}
	if errors.As(err, &known) && kind != overture.Internal {
		p.Detail, p.retryAfter = known.Message, known.RetryAfter
		if known.Code != "" {
			p.Code = known.Code
		}
		for _, f := range known.Fields {
			p.Errors = append(p.Errors, problemField(f))
		}
	}
	switch {
	case kind == overture.Internal:
		p.Detail = "something went wrong on the server; it is in the server's log under this request id"
	case p.Detail == "":
		p.Detail = http.StatusText(p.Status)
	}
	if p.retryAfter == 0 && (kind == overture.TooMany || kind == overture.Unavailable) {
		p.retryAfter = retrySoon
	}
	return p
}

func bodyTooLarge(limit int64) *problem {
	return &problem{
		Status: http.StatusRequestEntityTooLarge, Code: "body_too_large",
		Detail: "the body is larger than the " + strconv.FormatInt(limit, 10) + " bytes this route takes; send less",
	}
}

func bodyCutOff() *problem {
	return &problem{Status: http.StatusBadRequest, Code: "body_cut_off", Detail: "the body ended early; send the request again"}
}

// maxLocation keeps a hostile field name from filling the answer.
const maxLocation = 100

// transform says sentences in the caller's language, and rewrites huma's own errors as ours before they are written: with a code, and without the
// values huma would repeat.
func (a *API) transform(ctx huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*problem); ok {
		return p.finish(ctx.Context()), nil
	}
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return said(ctx.Context(), v), nil
	}
	p := &problem{Status: m.Status, Detail: m.Detail, Code: parseCodes[m.Status]}
	if p.Code == "" {
		p.Code = string(overture.Internal)
	}
	for _, e := range m.Errors {
		if e == nil {
			continue
		}
		p.Errors = append(p.Errors, problemField{Location: clipLocation(e.Location), Message: e.Message})
	}
	switch m.Status {
	case http.StatusUnprocessableEntity:
		if onlyPath(p.Errors) { // what is no id names nothing
			exchangeOf(ctx.Context()).status = http.StatusNotFound
			return (&problem{Status: http.StatusNotFound, Code: "not_found", Detail: "there is no such thing in this account"}).finish(ctx.Context()), nil
		}
		p.Detail = "the request is not as /openapi.json describes it; errors says where"
	case http.StatusUnsupportedMediaType:
		p.Detail, p.Errors = "send the body as Content-Type: application/json", nil
	case http.StatusRequestTimeout:
		p.Detail, p.Errors = "the body came too slowly; send the request again", nil
	case http.StatusBadRequest:
		p.Detail = "the body is not valid JSON; send one JSON object"
	case http.StatusRequestEntityTooLarge:
		p = bodyTooLarge(ctx.Operation().MaxBodyBytes)
	case http.StatusInternalServerError:
		if m.Detail == "cannot read request body" { // huma's words for a caller who went away
			exchangeOf(ctx.Context()).status = http.StatusBadRequest
			return bodyCutOff().finish(ctx.Context()), nil
		}
		p.Detail, p.Errors = "something went wrong on the server; it is in the server's log under this request id", nil
	}
	return p.finish(ctx.Context()), nil
}

func onlyPath(fields []problemField) bool {
	for _, f := range fields {
		if !strings.HasPrefix(f.Location, "path.") {
			return false
		}
	}
	return len(fields) > 0
}

// parseCodes are the codes of what huma finds wrong with a request.
var parseCodes = map[int]string{
	http.StatusBadRequest:            "body_not_json",
	http.StatusRequestTimeout:        "body_too_slow",
	http.StatusRequestEntityTooLarge: "body_too_large",
	http.StatusUnsupportedMediaType:  "content_type",
	http.StatusUnprocessableEntity:   "invalid",
}

func (p *problem) finish(ctx context.Context) *problem {
	x := exchangeOf(ctx)
	p.Title, p.Detail = x.language.Hear(http.StatusText(p.Status)), x.language.Hear(p.Detail)
	for i := range p.Errors {
		p.Errors[i].Message = x.language.Hear(p.Errors[i].Message)
	}
	p.RequestID, x.code = x.requestID, p.Code
	return p
}

// fail answers with an error and leaves it for the request log.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	exchangeOf(r.Context()).err = err
	a.deny(w, r, problemOf(err))
}

// deny writes a problem.
func (a *API) deny(w http.ResponseWriter, r *http.Request, p *problem) {
	for k, v := range p.GetHeaders() {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p.finish(r.Context())) // the client is gone; nothing to do
}
