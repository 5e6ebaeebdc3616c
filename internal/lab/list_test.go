package lab_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture/internal/lab"
)

// list follows next_page_uri and gives the bodies of all pages.
func (b *bench) list(t *testing.T, query string) (bodies []string, pages int) {
	t.Helper()
	for next := messages + "?" + query; next != ""; pages++ {
		a, err := b.do(t.Context(), http.MethodGet, next, nil)
		must(t, err)
		if a.status != http.StatusOK {
			t.Fatalf("GET %s: %s", next, a.raw)
		}
		rows, _ := a.body["messages"].([]any)
		for _, row := range rows {
			fields, _ := row.(map[string]any)
			text, _ := fields["body"].(string)
			bodies = append(bodies, text)
		}
		if a.body["page"] != float64(pages) {
			t.Errorf("page = %v, want %d", a.body["page"], pages)
		}
		next, _ = a.body["next_page_uri"].(string)
	}
	return bodies, pages
}

func TestListFiltersAndPages(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	must(t, b.Client.SetNumber(t.Context(), lab.Number{Number: "+12125550101", AccountSID: accountSID}))
	for i := range 7 {
		b.send(t, person, "Body", fmt.Sprint("a", i))
		b.send(t, "+447700900124", "Body", fmt.Sprint("b", i), "From", "+12125550101")
	}
	b.drain(t)
	today := time.Now().UTC().Format(time.DateOnly)
	tomorrow := time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)
	ofA := []string{"a6", "a5", "a4", "a3", "a2", "a1", "a0"}
	to := "To=" + url.QueryEscape(person)
	for _, tt := range []struct {
		name, query string
		want        []string
		pages       int
	}{
		{"To", to, ofA, 1},
		{"To in pages", to + "&PageSize=3", ofA, 3},
		{"To in pages of one", to + "&PageSize=1", ofA, 7},
		{"From in pages", "From=" + url.QueryEscape(ours) + "&PageSize=4", ofA, 2},
		{"To and From that do not meet", to + "&From=%2B12125550101", nil, 1},
		{"all", "PageSize=1000", []string{"b6", "a6", "b5", "a5", "b4", "a4", "b3", "a3", "b2", "a2", "b1", "a1", "b0", "a0"}, 1},
		{"sent since today", to + "&DateSent%3E=" + today, ofA, 1},
		{"sent since today, as Twilio's page spells it", to + "&DateSent>=" + today, ofA, 1},
		{"sent since tomorrow", to + "&DateSent%3E=" + tomorrow, nil, 1},
		{"sent tomorrow", to + "&DateSent=" + tomorrow, nil, 1},
		{"sent until the day before yesterday", to + "&DateSent%3C=" + time.Now().AddDate(0, 0, -2).Format(time.DateOnly), nil, 1},
		{"sent in the last hour", to + "&DateSent%3E=" + time.Now().UTC().Add(-time.Hour).Format(time.RFC3339), ofA, 1},
		{"nobody", "To=%2B447700900999", nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, pages := b.list(t, tt.query)
			equal(t, "bodies", got, tt.want)
			if pages != tt.pages {
				t.Errorf("%d pages, want %d", pages, tt.pages)
			}
		})
	}
}

func TestListMissesWhatIsNotSentYet(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	must(t, b.Client.SetProfile(t.Context(), "", lab.Profile{SendingAfterMS: 600_000}))
	b.send(t, person, "Body", "waits")
	if got, _ := b.list(t, "To="+url.QueryEscape(person)+"&DateSent%3E=2020-01-01"); len(got) != 0 {
		t.Errorf("a DateSent filter found %q, which is queued", got)
	}
	if got, _ := b.list(t, "To="+url.QueryEscape(person)); len(got) != 1 {
		t.Errorf("without a filter: %q", got)
	}
}

func TestListRefusesBadInput(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	for _, query := range []string{"PageSize=0", "PageSize=x", "DateSent=yesterday", "PageToken=PASMffffffffffffffffffffffffffffffff", "To=123"} {
		if a, err := b.do(t.Context(), http.MethodGet, messages+"?"+query, nil); err != nil || a.status != http.StatusBadRequest {
			t.Errorf("%s: status %d, %v", query, a.status, err)
		}
	}
	for _, id := range []string{"SMffffffffffffffffffffffffffffffff", "SM12", "x"} {
		a, err := b.do(t.Context(), http.MethodGet, strings.TrimSuffix(messages, ".json")+"/"+id+".json", nil)
		if err != nil || a.status != http.StatusNotFound || a.code() != 20404 {
			t.Errorf("%s: status %d, code %d, %v", id, a.status, a.code(), err)
		}
	}
}

func TestListFaults(t *testing.T) {
	t.Parallel()
	b := start(t, lab.Options{})
	b.send(t, person)
	query := messages + "?To=" + url.QueryEscape(person)
	for _, tt := range []struct {
		name string
		p    lab.Profile
		seen func(answer, error) bool
	}{
		{"error", lab.Profile{ListError: 1}, func(a answer, err error) bool { return err == nil && a.status == 500 }},
		{"timeout", lab.Profile{ListTimeout: 1, HangMS: 50}, func(_ answer, err error) bool { return err != nil }},
		{"lag", lab.Profile{ListLagMS: 3_600_000}, func(a answer, err error) bool { return err == nil && listed(a) == 0 }},
		{"duplicated", lab.Profile{ListDuplicated: 1}, func(a answer, err error) bool { return err == nil && listed(a) == 2 }},
		{"none", lab.Profile{}, func(a answer, err error) bool { return err == nil && listed(a) == 1 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			must(t, b.Client.SetProfile(t.Context(), "", tt.p))
			if a, err := b.do(t.Context(), http.MethodGet, query, nil); !tt.seen(a, err) {
				t.Errorf("status %d, %q, %v", a.status, a.raw, err)
			}
		})
	}
}

func listed(a answer) int {
	rows, _ := a.body["messages"].([]any)
	return len(rows)
}
