package phone_test

import (
	"os"
	"strings"
	"testing"

	"github.com/overture-im/overture/internal/kit/phone"
	"github.com/overture-im/overture/internal/kit/tz"
)

// Every zone in the tables must be a canonical name of our own database.
func TestTablesNameKnownZones(t *testing.T) {
	for file, field := range map[string]int{"nanp.txt": 1, "world.txt": 0} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]string{}
		for line := range strings.Lines(string(data)) {
			f := strings.Fields(line)
			if len(f) == 0 || f[0] == "#" {
				continue
			}
			for _, zone := range strings.Split(f[field], ",") {
				if now, ok := tz.Canonical(zone); zone != "*" && (!ok || now != zone) {
					t.Errorf("%s: %s is not a canonical zone (%s)", file, zone, now)
				}
			}
			for _, prefix := range f[field+1:] {
				if prefix = strings.TrimRight(prefix, "?+"); seen[prefix] != "" {
					t.Errorf("%s: %s stands in two lines", file, prefix)
				}
				seen[prefix] = line
			}
		}
	}
	for _, zone := range phone.Zones("+18005550123") {
		if now, ok := tz.Canonical(zone); !ok || now != zone {
			t.Errorf("%s is not a canonical zone", zone)
		}
	}
}
