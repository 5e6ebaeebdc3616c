package consent_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/consent"
)

func TestRead(t *testing.T) {
	const nothing, stop, likely, start, help = "nothing", "stop", "stop, to review", "start", "help"
	for _, tc := range []struct {
		group, want string
		bodies      []string
	}{
		{"whole words of the provider and the FCC", stop, []string{
			"STOP", "stop", "Stop.", "  stop  ", "STOP!!!", "Stop 🛑", "“STOP”", "S.T.O.P.", "ＳＴＯＰ", "𝗦𝗧𝗢𝗣", "STOPALL", "stop all", "UNSUBSCRIBE", "cancel", "END", "Quit", "REVOKE", "OPTOUT", "opt-out", "Opt out", "remove", "st\u00adop",
		}},
		{"other languages", stop, []string{
			"BAJA", "arrêt", "ARRETE", "Stopp", "abmelden", "disiscrivi", "sair", "PARAR", "afmelden", "lopeta", "wypisz", "odhlásit", "leiratkozás", "dezabonare", "DURDUR", "İPTAL", "iptal", "стоп", "СТОП", "відписатися", "στοπ", "ΣΤΟΠ",
			"توقف", "إيقاف", "הסר", "لغو", "रोकें", "বন্ধ করুন", "退订", "退訂", "停止", "配信停止", "수신거부", "หยุด", "từ chối", "berhenti", "itigil", "sispann", "sitisha", "odjava",
		}},
		{"slips and courtesy", likely, []string{
			"stopp it", "sotp", "st" + "po", "Stop please", "please stop", "ok stop, thanks", "STOP STOP STOP", "st0p", "unsuscribe", "unsubcribe me", "Unsubscibe please!", "reply STOP", "I said stop", "🛑", "⛔️ ⛔️", "go away", "bitte stopp", "arrête stp", "prego stop"[6:] + " thx", //nolint:misspell // slips on purpose
		}},
		{"phrases a reasonable person reads as stop", likely, []string{
			"please stop texting me", "Stop sending me messages", "leave me alone", "No more messages", "no more texts pls", "Don't text me again", "don’t text me", "do not contact me", "take me off your list", "remove me from this list", "how do I unsubscribe?",
			"I want to opt out", "You have the wrong number", "wrong number", "I no longer wish to receive these", "Who is this? Leave me alone!", "Stop. I never signed up for this and will call my lawyer", "hello, stop", "quit texting me",
			"dejen de enviar mensajes", "no me escriban más", "Arrêtez de m'envoyer des SMS", "ne me contactez plus", "Bitte keine Nachrichten mehr", "schreiben Sie mir nicht mehr", "non scrivetemi più", "me tire da lista por favor", "schrijf me uit",
			"sluta skicka sms", "proszę nie pisać", "не пишите мне больше", "оставьте меня в покое", "לא לשלוח לי יותר", "لا ترسلوا لي رسائل", "请不要再发短信给我", "もう送らないでください", "문자 보내지 마세요", "อย่าส่งข้อความมาอีก", "jangan kirim sms lagi", "mesaj göndermeyin",
		}},
		{"ordinary answers", nothing, []string{
			"", "   ", "...", "👍", "ok", "no", "shop", "step", "top", "Top!", "Is top", "How do I cancel my appointment?", "Please cancel my order 4711", "cancel please", "the end", "at the end of the month", "I quit my job, can I still pay?", "I'll stop by the store tomorrow",
			"which bus stop?", "don't stop texting me, I love it", "please do not unsubscribe me", "never stop sending these", "why did you stop texting me?", "start tomorrow at 8", "can you help me with my bill", "information please", "yes please", "I need help",
			"endless", "stopover in Boston", "subscribe me twice", "Liked “Spring sale today. To stop receiving messages just reply STOP”", "👍 to “Sale! To stop receiving messages just reply STOP”", `Disliked "To stop receiving messages just reply STOP"`,
			"Reacted to “Reply STOP to unsubscribe”", "ja gerne", "si claro, a las 8", "oui merci",
		}},
		{"come back", start, []string{"START", "start", "Unstop", "un-stop", "start!"}},
		{"help", help, []string{"HELP", "help!", "Info", "ayuda", "aide", "Hilfe", "помощь", "帮助", "ヘルプ"}},
	} {
		t.Run(tc.group, func(t *testing.T) {
			w := consent.NewWords()
			for _, body := range tc.bodies {
				got := w.Read(overture.Inbound{Body: body}, overture.Settings{})
				if name := nameOf(got); name != tc.want {
					t.Errorf("%q reads as %s (%q), want %s", body, name, got.Matched, tc.want)
				}
				if got.Kind != overture.NoWish && got.Source != overture.OptOutKeyword {
					t.Errorf("%q has source %q, want keyword", body, got.Source)
				}
			}
		})
	}
}

func nameOf(w overture.Wish) string {
	switch {
	case w.Kind == overture.NoWish:
		return "nothing"
	case w.Kind == overture.WishStop && !w.Certain:
		return "stop, to review"
	case w.OnlyOptedOut:
		return "start if opted out"
	}
	return string(w.Kind)
}

func TestReadAlone(t *testing.T) {
	w := consent.NewWords()
	for body, want := range map[string]bool{
		"STOP": true, "stopp": true, "please stop texting me": true, "🛑": true, "HELP": true,
		"Stop texting me. And when will my order 4711 from last Tuesday arrive at last?": false,
		"Stop. I have already paid this bill at your office in March":                    false,
	} {
		if got := w.Read(overture.Inbound{Body: body}, overture.Settings{}); got.Alone != want || got.Kind == overture.NoWish {
			t.Errorf("%q: alone %v (%s), want %v", body, got.Alone, got.Kind, want)
		}
	}
}

func TestYesCountsOnlyForTheOptedOut(t *testing.T) {
	w := consent.NewWords()
	for _, body := range []string{"YES", "yes!", "sí", "Oui", "да", "subscribe"} {
		got := w.Read(overture.Inbound{Body: body}, overture.Settings{})
		if got.Kind != overture.WishStart || !got.OnlyOptedOut {
			t.Errorf("%q: %+v, want a start that counts only for a person who is opted out", body, got)
		}
	}
	got := w.Read(overture.Inbound{Body: "YES", OptOutType: "START"}, overture.Settings{})
	if got.Kind != overture.WishStart || got.OnlyOptedOut || got.Source != overture.OptOutProvider {
		t.Errorf("YES as the provider's keyword: %+v, want a start by the provider's word", got)
	}
}

func TestProviderVerdict(t *testing.T) {
	w := consent.NewWords()
	for _, tc := range []struct {
		body, verdict string
		kind          overture.WishKind
		source        overture.OptOutSource
		answered      bool
	}{
		{"FERMATE", "STOP", overture.WishStop, overture.OptOutProvider, true},
		{"STOP", "STOP", overture.WishStop, overture.OptOutKeyword, false},
		{"please stop texting me", "", overture.WishStop, overture.OptOutKeyword, false},
		{"STOP", "START", overture.WishStop, overture.OptOutKeyword, false}, // a certain stop is never turned round
		{"JOIN", "START", overture.WishStart, overture.OptOutProvider, true},
		{"HELP", "HELP", overture.WishHelp, overture.OptOutProvider, true},
		{"HELP", "", overture.WishHelp, overture.OptOutKeyword, false},
		{"hello", "SOMETHING", overture.NoWish, overture.OptOutKeyword, false},
	} {
		got := w.Read(overture.Inbound{Body: tc.body, OptOutType: tc.verdict}, overture.Settings{})
		if got.Kind != tc.kind || got.Source != tc.source || got.Answered != tc.answered {
			t.Errorf("%q with verdict %q: %+v", tc.body, tc.verdict, got)
		}
	}
}

func TestOrdinaryWords(t *testing.T) {
	w := consent.NewWords()
	s := overture.Settings{OrdinaryWords: []string{"Cancel", "END", "yes", "STOP"}}
	for body, want := range map[string]bool{"CANCEL": true, "end.": true, "Yes": true, "quit": false, "STOP": false, "stop please": false} {
		if got := w.Read(overture.Inbound{Body: body}, s); got.NotInDialogue != want {
			t.Errorf("%q: ordinary inside a conversation %v, want %v", body, got.NotInDialogue, want)
		}
	}
}

// TestData holds the word lists to what they claim: every listed word and phrase is recognized as what its list says, alone and in capitals.
func TestData(t *testing.T) {
	raw, err := os.ReadFile("words.json")
	if err != nil {
		t.Fatal(err)
	}
	var data struct {
		Languages map[string]map[string][]string `json:"languages"`
		NotTypos  []string                       `json:"not_typos"`
	}
	if err := json.Unmarshal(raw, &data); err != nil {
		t.Fatal(err)
	}
	if len(data.Languages) < 25 {
		t.Errorf("only %d languages", len(data.Languages))
	}
	want := map[string][]string{
		"stop": {"stop"}, "likely": {"stop, to review"}, "phrases": {"stop, to review", "stop"}, "start": {"start"},
		"start_if_opted_out": {"start if opted out"}, "help": {"help"},
	}
	w := consent.NewWords()
	for lang, lists := range data.Languages {
		for list, entries := range lists {
			for _, entry := range entries {
				for _, body := range []string{entry, strings.ToUpper(entry), " " + entry + "!"} {
					got := nameOf(w.Read(overture.Inbound{Body: body}, overture.Settings{}))
					if !contains(want[list], got) {
						t.Errorf("%s %s: %q reads as %s", lang, list, body, got)
					}
				}
			}
		}
	}
	for _, body := range data.NotTypos {
		if got := w.Read(overture.Inbound{Body: body}, overture.Settings{}); got.Kind != overture.NoWish {
			t.Errorf("%q is a real word and reads as %s", body, nameOf(got))
		}
	}
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// TestStopSurvivesDecoration: whatever case, spaces and punctuation stand around it, a stop word stays one.
func TestStopSurvivesDecoration(t *testing.T) {
	w := consent.NewWords()
	edge := rapid.StringMatching(`[ \t\n.,!?*_~'"()🙏😀-]{0,6}`)
	rapid.Check(t, func(rt *rapid.T) {
		word := []rune(rapid.SampledFrom([]string{"stop", "unsubscribe", "arret", "стоп", "baja"}).Draw(rt, "word"))
		for i := range word {
			if rapid.Bool().Draw(rt, "upper") {
				word[i] = []rune(strings.ToUpper(string(word[i])))[0]
			}
		}
		body := edge.Draw(rt, "before") + string(word) + edge.Draw(rt, "after")
		if got := w.Read(overture.Inbound{Body: body}, overture.Settings{}); got.Kind != overture.WishStop || !got.Certain {
			rt.Fatalf("%q reads as %s", body, nameOf(got))
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"STOP", "don't stop", "Liked “STOP”", "退订", "\xff\xfe", strings.Repeat("stop ", 500)} {
		f.Add(s, "STOP")
	}
	w := consent.NewWords()
	f.Fuzz(func(t *testing.T, body, verdict string) {
		got := w.Read(overture.Inbound{Body: body, OptOutType: verdict}, overture.Settings{OrdinaryWords: []string{"end"}})
		if got.Certain && got.Kind == overture.NoWish {
			t.Errorf("%q: certain of nothing", body)
		}
	})
}
