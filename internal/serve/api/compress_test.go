package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/overture-im/overture/internal/access"
)

type listOutput struct {
	Body struct {
		Items []string `json:"items"`
	}
}

type sizeInput struct {
	N int `query:"n"`
}

// lists is a door with a list of n items to read or to make, as JSON and as a file.
func lists(t *testing.T) http.Handler {
	t.Helper()
	a, h := frame(t, Deps{})
	do := func(_ context.Context, _ access.Identity, in *sizeInput) (*listOutput, error) {
		out := &listOutput{}
		out.Body.Items = make([]string, in.N)
		for i := range out.Body.Items {
			out.Body.Items[i] = "the same for everybody"
		}
		return out, nil
	}
	register(a, access.CampaignsRead, operation{Method: "GET", Path: "/v1/list", Summary: "list", Tag: "test"}, do)
	register(a, access.CampaignsWrite, operation{Method: "POST", Path: "/v1/list", Summary: "make", Tag: "test"}, do)
	a.handle(access.CampaignsRead, plain{Method: "GET", Path: "/v1/list.csv", Summary: "file", Tag: "test", Produces: "text/csv"},
		func(w http.ResponseWriter, _ *http.Request, _ access.Identity) error {
			_, err := io.WriteString(download(w, "list.csv"), strings.Repeat("the same for everybody\n", 10_000))
			return err
		})
	a.handle(access.CampaignsRead, plain{Method: "GET", Path: "/v1/broken", Summary: "breaks", Tag: "test", Produces: "application/json"},
		func(w http.ResponseWriter, _ *http.Request, _ access.Identity) error {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, strings.Repeat("a half answer ", 10_000))
			return errors.New("the database is gone")
		})
	return h
}

func TestWhatIsCompressed(t *testing.T) {
	t.Parallel()
	h := lists(t)
	for name, tt := range map[string]struct {
		method, target, encodings, site string
		want                            bool
	}{
		"a list":                                    {"GET", "/v1/list?n=500", "gzip, deflate, br", "same-origin", true},
		"a list in several pieces":                  {"GET", "/v1/list?n=9000", "gzip", "same-origin", true},
		"a list for a program":                      {"GET", "/v1/list?n=500", "gzip", "", true},
		"a list that is typed into the browser":     {"GET", "/v1/list?n=500", "gzip", "none", true},
		"the description":                           {"GET", "/openapi.json", "gzip", "", true},
		"for who cannot read it":                    {"GET", "/v1/list?n=500", "br", "same-origin", false},
		"for who does not want it":                  {"GET", "/v1/list?n=500", "gzip;q=0", "same-origin", false},
		"for who did not ask":                       {"GET", "/v1/list?n=500", "", "same-origin", false},
		"what another site made the browser ask":    {"GET", "/v1/list?n=500", "gzip", "cross-site", false},
		"what a sister site made the browser ask":   {"GET", "/v1/list?n=500", "gzip", "same-site", false},
		"what was just made, which may be a secret": {"POST", "/v1/list?n=500", "gzip", "same-origin", false},
		"what is short anyway":                      {"GET", "/v1/list?n=3", "gzip", "same-origin", false},
		"a file":                                    {"GET", "/v1/list.csv", "gzip", "same-origin", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ask := func(encodings string) *httptest.ResponseRecorder {
				r := httptest.NewRequest(tt.method, tt.target, nil)
				r.Header.Set("Authorization", "Bearer all")
				r.Header.Set("Accept-Encoding", encodings)
				if tt.site != "" {
					r.Header.Set("Sec-Fetch-Site", tt.site)
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					t.Fatalf("%d %s", w.Code, w.Body)
				}
				return w
			}
			whole, got := ask(""), ask(tt.encodings)
			body := got.Body.Bytes()
			if compressed := got.Header().Get("Content-Encoding") == "gzip"; compressed != tt.want {
				t.Fatalf("compressed: %v, want %v", compressed, tt.want)
			}
			if tt.want {
				if len(body) > whole.Body.Len()/4 {
					t.Errorf("%d bytes of %d", len(body), whole.Body.Len())
				}
				body = unzip(t, body)
			}
			if !bytes.Equal(body, whole.Body.Bytes()) {
				t.Errorf("%d bytes came out of %d", len(body), whole.Body.Len())
			}
			if got, want := got.Header().Get("Content-Type"), whole.Header().Get("Content-Type"); got != want {
				t.Errorf("Content-Type = %q, want %q", got, want)
			}
		})
	}
}

func TestACompressedAnswerThatBreaksOffDoesNotLookWhole(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(lists(t))
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v1/broken", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer all")
	r.Header.Set("Accept-Encoding", "gzip")
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return // cut before anything came: it cannot look whole
	}
	defer answer.Body.Close()
	if _, err := io.ReadAll(answer.Body); err == nil {
		t.Error("the half answer came to a proper end")
	}
}

func TestProblemsCanBeReadWhenCompressionIsAskedFor(t *testing.T) {
	t.Parallel()
	h := lists(t)
	for target, want := range map[string]int{"/v1/things/cmp_8": 500, "/v1/things/cmp_5": 404, "/v1/nothing": 404} {
		r := httptest.NewRequest("GET", target, nil)
		r.Header.Set("Authorization", "Bearer all")
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var p problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != want || p.Status != want {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

func unzip(t *testing.T, raw []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}
