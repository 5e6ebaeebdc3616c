// Command tzgen packs a compiled time-zone database into the zip that package tz embeds.
//
// The folder must hold tzdata.zi beside the compiled zones, as Debian's package tzdata installs it in /usr/share/zoneinfo. The same
// folder always gives the same bytes: names are sorted and no clock is read.
package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	from := flag.String("from", "/usr/share/zoneinfo", "folder of the compiled database")
	to := flag.String("to", "zoneinfo.zip", "file to write")
	flag.Parse()
	if err := pack(*from, *to); err != nil {
		fmt.Fprintln(os.Stderr, "tzgen:", err)
		os.Exit(1) //nolint:forbidigo // a generator is a program of its own
	}
}

func pack(from, to string) error {
	source, err := os.Open(filepath.Join(from, "tzdata.zi"))
	if err != nil {
		return fmt.Errorf("read the database's source: %w", err)
	}
	defer source.Close()
	db, err := readSource(source)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	w.RegisterCompressor(zip.Deflate, func(dst io.Writer) (io.WriteCloser, error) { return flate.NewWriter(dst, flate.BestCompression) })
	add := func(name string, content []byte) error {
		// A fixed time keeps the bytes the same on every run.
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			return fmt.Errorf("add %s: %w", name, err)
		}
		_, err = f.Write(content)
		return err
	}
	if err := add("+VERSION", []byte(db.version+"\n")); err != nil {
		return err
	}
	if err := add("+LINKS", []byte(strings.Join(db.links, "\n")+"\n")); err != nil {
		return err
	}
	for _, zone := range db.zones {
		content, err := os.ReadFile(filepath.Join(from, filepath.FromSlash(zone)))
		if err != nil {
			return fmt.Errorf("read zone: %w", err)
		}
		if _, err := time.LoadLocationFromTZData(zone, content); err != nil {
			return fmt.Errorf("zone %s: %w", zone, err)
		}
		if err := add(zone, content); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("close zip: %w", err)
	}
	return os.WriteFile(to, out.Bytes(), 0o644) //nolint:gosec // public data
}

type database struct {
	version string
	zones   []string // canonical names
	links   []string // "alias target", the target canonical
}

// readSource reads names only: lines "# version 2026f", "Z name …" and "L target alias". The rules themselves come compiled.
func readSource(r io.Reader) (database, error) {
	var db database
	target := map[string]string{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		switch {
		case len(f) == 3 && f[0] == "#" && f[1] == "version":
			db.version = f[2]
		case len(f) > 2 && f[0] == "Z" && f[1] != "Factory": // Factory means "not set up"
			db.zones = append(db.zones, f[1])
		case len(f) == 3 && f[0] == "L":
			target[f[2]] = f[1]
		}
	}
	if err := lines.Err(); err != nil {
		return db, fmt.Errorf("read the database's source: %w", err)
	}
	if db.version == "" || len(db.zones) == 0 {
		return db, errors.New("tzdata.zi has no version or no zones")
	}
	slices.Sort(db.zones)
	for alias, to := range target {
		for target[to] != "" { // a link to a link
			to = target[to]
		}
		db.links = append(db.links, alias+" "+to)
	}
	slices.Sort(db.links)
	return db, nil
}
