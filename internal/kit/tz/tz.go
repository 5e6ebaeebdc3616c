// Package tz is Overture's own time-zone database, the same on every machine and never the system's or the toolchain's: those are wrong
// for British Columbia, Alberta and Morocco since their laws changed in 2026. The data is in the public domain.
//
// To take a newer release: install the newest tzdata package of Debian, run go generate, run the tests.
package tz

//go:generate go run ./tzgen -from /usr/share/zoneinfo -to zoneinfo.zip

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed zoneinfo.zip
var packed []byte

// database is opened once, on first use; zones are decoded when they are first asked for.
var database = sync.OnceValue(open)

type content struct {
	version string
	names   []string             // canonical, sorted
	files   map[string]*zip.File // by canonical name
	links   map[string]string    // alias → canonical name
	loaded  sync.Map             // name as asked → *time.Location
}

// Version of the database, such as "2026f". It is recorded beside what was decided with it.
func Version() string { return database().version }

// Names lists the canonical zone names, sorted. Older names load too, but are not listed.
func Names() []string { return slices.Clone(database().names) }

// Valid tells whether Load knows the name.
func Valid(name string) bool {
	_, ok := Canonical(name)
	return ok
}

// Canonical gives the current name of a zone: "Asia/Calcutta" is "Asia/Kolkata". False when there is no such zone.
func Canonical(name string) (string, bool) {
	db := database()
	if to, ok := db.links[name]; ok {
		name = to
	}
	_, ok := db.files[name]
	return name, ok
}

// Load gives the location of an IANA zone, old names included. Names are case-sensitive. "Local" and the empty name are unknown: the
// machine's own zone never decides anything. Safe for concurrent use; the same name gives the same pointer.
func Load(name string) (*time.Location, error) {
	db := database()
	if loc, ok := db.loaded.Load(name); ok {
		return loc.(*time.Location), nil //nolint:forcetypeassert // only locations are stored
	}
	canonical, ok := Canonical(name)
	if !ok {
		return nil, fmt.Errorf("there is no time zone %q: use an IANA name such as America/New_York or Europe/London", clip(name))
	}
	data, err := read(db.files[canonical])
	if err != nil {
		return nil, fmt.Errorf("time zone %s: %w", canonical, err)
	}
	loc, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil, fmt.Errorf("time zone %s: %w", canonical, err)
	}
	kept, _ := db.loaded.LoadOrStore(name, loc)
	return kept.(*time.Location), nil //nolint:forcetypeassert // only locations are stored
}

// open panics on damage: the data is part of the program and a test loads every zone of it.
func open() *content {
	r, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		panic("tz: embedded database: " + err.Error())
	}
	db := &content{files: map[string]*zip.File{}, links: map[string]string{}}
	for _, f := range r.File {
		switch f.Name {
		case "+VERSION":
			db.version = strings.TrimSpace(mustRead(f))
		case "+LINKS":
			for line := range strings.Lines(mustRead(f)) {
				alias, to, _ := strings.Cut(strings.TrimSpace(line), " ")
				db.links[alias] = to
			}
		default:
			db.files[f.Name] = f
			db.names = append(db.names, f.Name)
		}
	}
	slices.Sort(db.names)
	return db
}

func read(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer r.Close()
	return io.ReadAll(r)
}

func mustRead(f *zip.File) string {
	b, err := read(f)
	if err != nil {
		panic("tz: embedded database: " + err.Error())
	}
	return string(b)
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
