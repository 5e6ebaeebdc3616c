package policy

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/overture-im/overture"
)

//go:embed packs/*.json
var files embed.FS

// Pack is one version of a rule file.
type Pack struct {
	overture.PackRef
	Title      string
	Disclaimer string
	AsOf       string // date of the survey behind the rules
	Rules      []Rule
	Calendars  []Calendar
}

// Rule is a rule with the numbers it is for.
type Rule struct {
	overture.PackRule
	Country string // ISO 3166; empty in a rule for an unknown country
	State   string // ISO 3166-2 without the country; empty: the whole country
	Match   Match
}

// Match says which numbers of its country a rule is for.
type Match string

// The matches.
const (
	MatchArea    Match = ""        // numbers of Country and State
	MatchDefault Match = "default" // places of Country that have no row of their own, or only one that is too uncertain
	MatchUnknown Match = "unknown" // numbers whose country, or whose state in Country, is not known; whatever the confidence
)

// Calendar is a set of holidays.
type Calendar struct {
	ID     string
	Title  string
	Source string
	Gap    string // what the calendar does not know
	days   holidays
}

// On lists the holidays of a year in the order of dates, for people to check.
func (c Calendar) On(year int) []Holiday { return c.days.of(year) }

type packFile struct {
	Pack       string                  `json:"pack"`
	Version    string                  `json:"version"`
	Title      string                  `json:"title"`
	Disclaimer string                  `json:"disclaimer"`
	AsOf       string                  `json:"as_of"`
	Calendars  map[string]calendarFile `json:"calendars"`
	Rules      []ruleFile              `json:"rules"`
}

type calendarFile struct {
	Title  string     `json:"title"`
	Source string     `json:"source"`
	Gap    string     `json:"gap"`
	Days   []holyFile `json:"days"`
}

type ruleFile struct {
	ID             string              `json:"id"`
	Area           string              `json:"area"`
	Country        string              `json:"country"`
	State          string              `json:"state"`
	Match          Match               `json:"match"`
	Days           map[string]string   `json:"days"`
	HolidaysBanned bool                `json:"holidays_banned"`
	Calendar       string              `json:"calendar"`
	Gap            string              `json:"gap"`
	Cap            *capFile            `json:"cap"`
	Confidence     overture.Confidence `json:"confidence"`
	Cite           string              `json:"cite"`
	Source         string              `json:"source"`
	Texts          string              `json:"texts"`
	Note           string              `json:"note"`
}

type capFile struct {
	Max      int    `json:"max"`
	PerHours int    `json:"per_hours"`
	Scope    string `json:"scope"` // what the source says it counts; we count every campaign message, which is never more lenient
}

// Packs lists every version of every pack in the program, by name and then oldest version first.
func Packs() []Pack { return slices.Clone(library().packs) }

type shelf struct {
	packs []Pack
	byRef map[overture.PackRef]*Pack
}

// library reads the files once. They are part of the program and a test reads them all, so damage is a panic.
var library = sync.OnceValue(func() *shelf {
	names, err := fs.Glob(files, "packs/*.json")
	if err != nil {
		panic("policy: " + err.Error())
	}
	s := &shelf{byRef: map[overture.PackRef]*Pack{}}
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			panic("policy: " + err.Error())
		}
		p, err := readPack(data)
		if err == nil && name != "packs/"+p.Name+"-"+p.Version+".json" {
			err = fmt.Errorf("it calls itself %s", p.PackRef)
		}
		if err != nil {
			panic("policy: " + name + ": " + err.Error())
		}
		s.packs = append(s.packs, p)
	}
	slices.SortFunc(s.packs, func(a, b Pack) int {
		return strings.Compare(a.Name+"\x00"+a.Version, b.Name+"\x00"+b.Version)
	})
	for i := range s.packs {
		s.byRef[s.packs[i].PackRef] = &s.packs[i]
	}
	return s
})

// find gives a pack; an empty version means the newest.
func find(ref overture.PackRef) (*Pack, error) {
	if ref.Version != "" {
		if p := library().byRef[ref]; p != nil {
			return p, nil
		}
		return nil, errors.New(overture.Say("there is no policy pack %s", ref).String())
	}
	var newest *Pack
	for i := range library().packs {
		if p := &library().packs[i]; p.Name == ref.Name {
			newest = p
		}
	}
	if newest == nil {
		return nil, errors.New(overture.Say("there is no policy pack %q", ref.Name).String())
	}
	return newest, nil
}

// readPack refuses whatever it does not understand: a rule that is silently left out would let messages go.
func readPack(data []byte) (Pack, error) {
	var f packFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return Pack{}, fmt.Errorf("decode: %w", err)
	}
	p := Pack{PackRef: overture.PackRef{Name: f.Pack, Version: f.Version}, Title: f.Title, Disclaimer: f.Disclaimer, AsOf: f.AsOf}
	if f.Pack == "" || f.Version == "" || len(f.Rules) == 0 {
		return p, errors.New("a pack has a name, a version and rules")
	}
	calendars := map[string]Calendar{}
	for id, c := range f.Calendars {
		days, err := readHolidays(c.Days)
		if err != nil {
			return p, fmt.Errorf("calendar %s: %w", id, err)
		}
		calendars[id] = Calendar{ID: id, Title: c.Title, Source: c.Source, Gap: c.Gap, days: days}
		p.Calendars = append(p.Calendars, calendars[id])
	}
	slices.SortFunc(p.Calendars, func(a, b Calendar) int { return strings.Compare(a.ID, b.ID) })
	seen := map[string]bool{}
	for _, r := range f.Rules {
		rule, err := r.rule(p.PackRef, calendars)
		if err == nil && seen[r.ID] {
			err = errors.New("the id stands twice")
		}
		if err != nil {
			return p, fmt.Errorf("rule %s: %w", r.ID, err)
		}
		seen[r.ID] = true
		p.Rules = append(p.Rules, rule)
	}
	return p, nil
}

func (f ruleFile) rule(ref overture.PackRef, calendars map[string]Calendar) (Rule, error) {
	r := Rule{PackRule: overture.PackRule{
		Pack: ref, ID: f.ID, Area: f.Area, Holidays: f.HolidaysBanned, Gap: f.Gap, Confidence: f.Confidence, Cite: f.Cite, Source: f.Source,
		Texts: f.Texts, Note: f.Note,
	}, Country: f.Country, State: f.State, Match: f.Match}
	known := f.Match == MatchArea && f.Country != "" || f.Match == MatchDefault && f.Country != "" && f.State == "" || f.Match == MatchUnknown && f.State == ""
	switch {
	case f.ID == "" || f.Area == "" || !known:
		return r, errors.New("a rule has an id, an area in words, and a country unless it is for an unknown one")
	case f.Confidence.Rank() == 0:
		return r, fmt.Errorf("the confidence is low, medium or high, not %q", f.Confidence)
	case f.Cite == "" && f.Source == "":
		return r, errors.New("a rule says where it comes from")
	case f.HolidaysBanned && f.Calendar == "" && f.Gap == "":
		return r, errors.New("holidays are banned, and there is neither a calendar nor a gap that says so")
	}
	for day, hours := range f.Days {
		d := slices.Index(weekdays, day)
		h, err := readHours(hours)
		if d < 0 || err != nil {
			return r, errors.Join(fmt.Errorf("hours of %q", day), err)
		}
		r.Days[d] = h
	}
	if f.Calendar != "" {
		c, ok := calendars[f.Calendar]
		if !ok || !f.HolidaysBanned {
			return r, fmt.Errorf("calendar %s is not there, or holidays are not banned", f.Calendar)
		}
		r.Calendar, r.Closed = c.ID, c.days.closed
	}
	if f.Cap != nil {
		if f.Cap.Max < 1 || f.Cap.PerHours < 1 {
			return r, errors.New("a cap is at least one message in one hour")
		}
		r.Cap = overture.Cap{Max: f.Cap.Max, Per: time.Duration(f.Cap.PerHours) * time.Hour, Rule: r.Ref()}
	}
	return r, nil
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // in the order of time.Weekday

// readHours reads "08:00-21:00".
func readHours(s string) (overture.Hours, error) {
	var h overture.Hours
	from, to, ok := strings.Cut(s, "-")
	a, err := minutes(from)
	b, err2 := minutes(to)
	if err = errors.Join(err, err2); !ok || err != nil || a >= b {
		return h, errors.Join(fmt.Errorf(`hours are written "08:00-21:00", not %q`, s), err)
	}
	return overture.Hours{From: a, To: b}, nil
}

func minutes(s string) (int, error) {
	if s == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err
}
