package demo

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/overture-im/overture/internal/lab"
)

// peopleCSV is the bundled list: 1,000 rows of numbers reserved for fiction. TestPeople writes it with -update.
//
//go:embed people.csv
var peopleCSV string

//go:generate go test . -run TestPeople -update

// The list has 1,000 rows. Which way a number goes is told by its last two digits, so that anybody can see in the file what will happen.
const (
	rowsInFile = 1000
	sleepers   = 100 // people in Europe, whose sending window the demo keeps closed
	invalid    = 30
	duplicates = 20
)

// habit is what all numbers with an ending do.
type habit struct {
	ending string
	does   string // for the summary
	rule   lab.Rule
	before bool // opted out before the launch
}

// habits of the people in the list. The lab plays them; everybody else receives and stays silent.
func habits() []habit {
	return []habit{
		{ending: "07", does: "stopped the brand before", before: true},
		{ending: "13", does: "is refused by the provider: not a mobile number", rule: lab.Rule{Refuse: 21614}},
		{ending: "17", does: "is refused by the provider: cannot be reached from here", rule: lab.Rule{Refuse: 21612}},
		{ending: "23", does: "is not delivered: phone off", rule: lab.Rule{Undelivered: 30003}},
		{ending: "29", does: "is not delivered: filtered by the carrier", rule: lab.Rule{Undelivered: 30007}},
		{ending: "31", does: "asks what is on offer", rule: answers("What can I get for the code?")},
		{ending: "37", does: "says yes", rule: answers("Yes please!")},
		{ending: "41", does: "has a question, then thanks", rule: answers("Is it open on Sunday?", "Thank you!")},
		{ending: "43", does: "says no", rule: answers("Not this time")},
		{ending: "47", does: "stops", rule: answers("STOP")},
		{ending: "53", does: "is accepted, but the provider's answer is lost", rule: lab.Rule{Fault: "accept_reset"}},
		{ending: "59", does: "is accepted with an error answer", rule: lab.Rule{Fault: "server_error_accepted"}},
		{ending: "61", does: "is not accepted at first: error answer", rule: lab.Rule{Fault: "server_error_refused"}},
		{ending: "67", does: "may be told \"too many requests\" at first, which slows the sender for a while", rule: lab.Rule{Fault: "throttle", Share: 0.2}},
		{ending: "71", does: "gets every receipt twice", rule: lab.Rule{Fault: "receipt_duplicated", FaultTimes: -1}},
		{ending: "73", does: "gets receipts in the wrong order", rule: lab.Rule{Fault: "receipt_reordered", FaultTimes: -1}},
		{ending: "79", does: "never gets a delivery receipt", rule: lab.Rule{NoReceipt: true}},
	}
}

func answers(texts ...string) lab.Rule {
	var r lab.Rule
	for _, text := range texts {
		r.Turns = append(r.Turns, []lab.Reply{{Text: text, AfterMS: 600}})
	}
	return r
}

func scripts() []lab.Rule {
	var rules []lab.Rule
	for _, h := range habits() {
		if h.before {
			continue
		}
		h.rule.Name, h.rule.Suffix = h.does, h.ending
		rules = append(rules, h.rule)
	}
	return rules
}

// place is where some of the people live. All numbers lie in ranges reserved for fiction.
type place struct {
	prefix string
	digits int // that follow the prefix and count up
	people int
	city   string
}

// awake lie at least five hours west of London or nearly on the other side of the earth from it, asleep within an hour of it: a window that
// is closed for three hours around London's time of day treats them alike at any hour and in any season.
var (
	awake = []place{
		{"+121255501", 2, 100, "New York"},
		{"+130555501", 2, 100, "Miami"},
		{"+141655501", 2, 100, "Toronto"},
		{"+131255501", 2, 100, "Chicago"},
		{"+121455501", 2, 100, "Dallas"},
		{"+130355501", 2, 100, "Denver"},
		{"+141555501", 2, 100, "San Francisco"},
		{"+160455501", 2, 100, "Vancouver"},
		{"+180855501", 2, 50, "Honolulu"},
	}
	asleep = []place{{"+447700900", 3, 60, "London"}, {"+49176040690", 2, 30, "Berlin"}, {"+467017406", 2, 10, "Stockholm"}}
)

func (p place) number(i int) string {
	if p.city == "Stockholm" {
		i += 5 // Sweden's range for fiction begins with 070-174 06 05
	}
	return fmt.Sprintf("%s%0*d", p.prefix, p.digits, i)
}

// wrong are rows as they come in real lists.
var wrong = []string{
	"5550123", "not a number", "+1212555", "+999123456789", "", "212-555-O123", "+1 212 555 0123 45", "+12125550123 ext 4", "00000000000", "n/a",
}

// writePeople gives the file: places mixed like a real list, one row in a few written in another of the accepted forms.
func writePeople() string {
	var rows []string
	add := func(number, city string) {
		rows = append(rows, fmt.Sprintf("%s,%s,SPRING-%03d", number, city, len(rows)+1))
	}
	var numbers []struct{ number, city string }
	for i := range 100 {
		for k, p := range append(append([]place{}, awake...), asleep...) {
			if i >= p.people {
				continue
			}
			n := (i + 13*k) % p.people // so that those who behave alike do not stand together
			numbers = append(numbers, struct{ number, city string }{p.number(n), p.city})
		}
	}
	for i, one := range numbers {
		add(written(one.number, i), one.city)
		if i%32 == 10 && len(rows) < rowsInFile && i/32 < invalid {
			add(wrong[(i/32)%len(wrong)], "Nowhere")
		}
		if i%48 == 20 && i/48 < duplicates-1 || i == len(numbers)-1 {
			add(numbers[i/2].number, numbers[i/2].city)
		}
	}
	return "phone,city,code\n" + strings.Join(rows, "\n") + "\n"
}

// written gives a number in one of the forms that people use.
func written(e164 string, i int) string {
	if !strings.HasPrefix(e164, "+1") {
		return e164
	}
	switch i % 7 {
	case 2:
		return e164[1:]
	case 4:
		return "1(" + e164[2:5] + ")" + e164[5:]
	case 6:
		return "+1(" + e164[2:5] + ")" + e164[5:]
	default:
		return e164
	}
}

// optedOutBefore are the numbers whose owners stopped the brand before the launch.
func optedOutBefore() []string {
	var out []string
	for _, h := range habits() {
		for _, p := range awake {
			for i := range p.people {
				if n := p.number(i); h.before && strings.HasSuffix(n, h.ending) {
					out = append(out, n)
				}
			}
		}
	}
	return out
}
