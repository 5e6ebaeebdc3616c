package consent

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"

	"github.com/overture-im/overture"
)

// The words are data: the provider's documented keywords, the words of the FCC's revocation rule (47 CFR 64.1200(a)(10): stop, quit, end,
// revoke, opt out, cancel, unsubscribe), the CTIA's list, and what people write in other languages.
//
//go:embed words.json
var wordsFile []byte

type wordsData struct {
	Languages map[string]struct {
		Stop            []string `json:"stop"`               // whole message: certain
		Likely          []string `json:"likely"`             // whole message: honoured, reviewed
		Phrases         []string `json:"phrases"`            // anywhere in the message: honoured, reviewed
		Start           []string `json:"start"`              // whole message
		StartIfOptedOut []string `json:"start_if_opted_out"` // whole message, and only from a person who is opted out
		Help            []string `json:"help"`               // whole message
	} `json:"languages"`
	Everyday      []string `json:"everyday"`       // stop words that mean it only when nothing else is written
	NeverOrdinary []string `json:"never_ordinary"` // what no account may declare an ordinary word
	TyposOf       []string `json:"typos_of"`       // slips of these are honoured
	NotTypos      []string `json:"not_typos"`      // real words one slip away
	StopSigns     []string `json:"stop_signs"`     // emoji that say it alone
	Negations     []string `json:"negations"`      // right before a phrase they turn it round
	Fillers       []string `json:"fillers"`        // courtesy around the word
	Quoting       []string `json:"quoting"`        // phones that answer with a quote of our own text: Liked “…”
}

type phrase struct {
	spaced string // with a space on both ends
	joined string // without any space, for scripts that use none; empty otherwise
	size   int    // words
}

// Words recognizes what people write when they want to stop, to come back, or help. Safe for concurrent use.
type Words struct {
	certain   map[string]bool // keys are folded and joined
	everyday  map[string]bool
	likely    map[string]bool
	start     map[string]bool
	startOut  map[string]bool
	help      map[string]bool
	fixed     map[string]bool
	notTypos  map[string]bool
	fillers   map[string]bool
	typosOf   []string
	phrases   []phrase
	negations []string
	stopSigns []string
	quoting   []string
}

// NewWords reads the words that come with the program. It panics on a broken file, which a test would have caught.
func NewWords() *Words {
	var d wordsData
	if err := json.Unmarshal(wordsFile, &d); err != nil {
		panic("consent: words.json: " + err.Error())
	}
	w := &Words{
		certain: map[string]bool{}, everyday: set(d.Everyday), likely: map[string]bool{}, start: map[string]bool{}, startOut: map[string]bool{},
		help: map[string]bool{}, fixed: set(d.NeverOrdinary), notTypos: set(d.NotTypos), fillers: set(d.Fillers), typosOf: d.TyposOf, stopSigns: d.StopSigns,
	}
	for _, l := range d.Languages {
		add(w.certain, l.Stop)
		add(w.likely, l.Likely)
		add(w.start, l.Start)
		add(w.startOut, l.StartIfOptedOut)
		add(w.help, l.Help)
		for _, p := range l.Phrases {
			ws := words(p)
			ph := phrase{spaced: " " + strings.Join(ws, " ") + " ", size: len(ws)}
			if unspaced(p) {
				ph.joined = strings.Join(ws, "")
			}
			w.phrases = append(w.phrases, ph)
		}
	}
	// The longest phrase that fits is the one to report.
	slices.SortFunc(w.phrases, func(a, b phrase) int {
		if len(a.spaced) != len(b.spaced) {
			return len(b.spaced) - len(a.spaced)
		}
		return strings.Compare(a.spaced, b.spaced)
	})
	for _, n := range d.Negations {
		w.negations = append(w.negations, " "+strings.Join(words(n), " ")+" ")
	}
	for _, q := range d.Quoting {
		w.quoting = append(w.quoting, strings.Join(words(q), " "))
	}
	return w
}

func set(list []string) map[string]bool {
	m := map[string]bool{}
	add(m, list)
	return m
}

func add(m map[string]bool, list []string) {
	for _, s := range list {
		m[fold(s)] = true
	}
}

func fold(s string) string { return strings.Join(words(s), "") }

// Read tells what an inbound message asks about hearing from the brand. The provider's own verdict counts where ours is not certain.
func (w *Words) Read(in overture.Inbound, s overture.Settings) overture.Wish {
	wish := w.read(in.Body)
	wish.Source = overture.OptOutKeyword
	if wish.Kind == overture.WishStop && wish.Certain {
		return w.ordinary(wish, in.Body, s)
	}
	byProvider := overture.Wish{Certain: true, Alone: true, Source: overture.OptOutProvider, Matched: in.OptOutType, Answered: true}
	switch strings.ToUpper(strings.TrimSpace(in.OptOutType)) {
	case "STOP":
		byProvider.Kind = overture.WishStop
		return byProvider
	case "START":
		byProvider.Kind = overture.WishStart
		return byProvider
	case "HELP":
		byProvider.Kind = overture.WishHelp
		return byProvider
	}
	return w.ordinary(wish, in.Body, s)
}

// ordinary marks the everyday words of the account. What the provider itself stopped is stopped, whatever the account says.
func (w *Words) ordinary(wish overture.Wish, body string, s overture.Settings) overture.Wish {
	if wish.Kind == overture.NoWish || !wish.Alone {
		return wish
	}
	key := fold(body)
	wish.NotInDialogue = !w.fixed[key] && slices.ContainsFunc(s.OrdinaryWords, func(o string) bool { return fold(o) == key })
	return wish
}
