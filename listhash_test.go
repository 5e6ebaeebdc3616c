package overture_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/overture-im/overture"
)

func TestListHashDoesNotDependOnOrder(t *testing.T) {
	row := rapid.Custom(func(t *rapid.T) overture.ListHash {
		r := overture.Recipient{
			Address: overture.Address(rapid.StringMatching(`\+1[0-9]{3}`).Draw(t, "address")),
			Zones:   rapid.SliceOfN(rapid.SampledFrom([]string{"UTC", "America/New_York"}), 0, 2).Draw(t, "zones"),
		}
		r.Personal.Values = rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "values")
		return overture.RowHash(&r)
	})
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOf(row).Draw(t, "rows")
		var sum, backwards overture.ListHash
		for i := range rows {
			sum = sum.Plus(rows[i])
			backwards = backwards.Plus(rows[len(rows)-1-i])
		}
		if sum != backwards {
			t.Fatal("the order of the rows changes the hash")
		}
		read, err := overture.ParseListHash(sum.String())
		if err != nil || read != sum {
			t.Fatalf("%s is read back as %s, %v", sum, read, err)
		}
		for _, r := range rows {
			sum = sum.Minus(r)
		}
		if sum != (overture.ListHash{}) {
			t.Fatal("all rows taken away leave something")
		}
	})
}

func TestRowHashSeesEveryField(t *testing.T) {
	base := overture.Recipient{Address: "+12125550100", Zones: []string{"UTC"}, Personal: overture.Personal{Values: []string{"a", "b"}}}
	seen := map[overture.ListHash]string{overture.RowHash(&base): "base"}
	for name, change := range map[string]func(*overture.Recipient){
		"address":      func(r *overture.Recipient) { r.Address = "+12125550101" },
		"zones":        func(r *overture.Recipient) { r.Zones = []string{"UTC", "America/New_York"} },
		"text":         func(r *overture.Recipient) { r.Personal.Text = "Hi" },
		"values":       func(r *overture.Recipient) { r.Personal.Values = []string{"ab", ""} },
		"value to end": func(r *overture.Recipient) { r.Personal.Values = []string{"a", "b", ""} },
	} {
		r := base
		change(&r)
		h := overture.RowHash(&r)
		if other, taken := seen[h]; taken {
			t.Errorf("%s has the hash of %s", name, other)
		}
		seen[h] = name
	}
}

func TestColumnsOf(t *testing.T) {
	for _, tt := range []struct {
		name              string
		header            []string
		phone, zone, text int
		values            []int
		position          map[string]int
	}{
		{"phone first", []string{"phone", "name", "amount"}, 0, -1, -1, []int{1, 2}, map[string]int{"name": 0, "amount": 1}},
		{"phone elsewhere", []string{"Name", "Mobile Number", "Time_Zone", "Message"}, 1, 2, 3, []int{0}, map[string]int{"Name": 0, "name": 0}},
		{"no known name", []string{"Kunde", "Betrag"}, 0, -1, -1, []int{1}, map[string]int{"Betrag": 0, "betrag": 0}},
		{"twice", []string{"phone", "mobile", "x", "x"}, 0, -1, -1, []int{1, 2, 3}, map[string]int{"mobile": 0, "x": 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := overture.ColumnsOf(tt.header)
			if c.Phone != tt.phone || c.Zone != tt.zone || c.Text != tt.text || len(c.Values) != len(tt.values) {
				t.Fatalf("got %+v", c)
			}
			for name, want := range tt.position {
				if got, ok := c.Names[name]; !ok || got != want {
					t.Errorf("%s is at %d (%v), want %d", name, got, ok, want)
				}
			}
		})
	}
}
