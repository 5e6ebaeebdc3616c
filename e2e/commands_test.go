package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/overture-im/overture/internal/client"
	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/store"
)

// commands of the stories:
//
//	account NAME                     begin an account; $NAME_KEY is its API key (the server must not run)
//	start lab | server [FLAG…]       run it; $OVERTURE_URL and $LAB are where
//	end | crash lab | server         end it with SIGTERM (and check that it ends well) or SIGKILL
//	furnish NAME NUMBER              a skill "Sales", a from-number at the lab; $NAME_SENDER, $NAME_SKILL, $NAME_HOOK
//	exits CODE ARG…                  overture ARG… ends with this exit code
//	api STATUS METHOD PATH [BODY]    a request with $OVERTURE_API_KEY; the answer is stdout; @FILE is a file's content
//	eventually PATH REGEXP           GET PATH until the answer matches
//	call STATUS URL [FORM]           POST a form to any address
//	script JSON                      what virtual phones and the carrier do
//	carrier JSON                     how the carrier itself behaves, over what it does now
//	writes FROM TO TEXT              a person writes to one of our numbers
//	ledger N                         the carrier accepted N messages
//	schema N                         the database says it has version N (the server must not run)
//	askedinvain DURATION             so long the provider was asked about what is in doubt (the server must not run)
//	age DAYS                         all that happened happened so many days earlier (the server must not run)
//	untilclear                       wait until everything in quarantine was looked up
//	follow ID WORD…                  the server's log lines with this id say each of the words
//	unsaid TEXT…                     none of these stands anywhere in the server's log or metrics
//	flip FILE                        change one bit in the middle of a file
//	keep VAR REGEXP                  keep the first group of the last stdout in a variable
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"account": account, "start": start, "end": end, "crash": crash, "schema": schema, "askedinvain": askedInVain, "furnish": furnish, "exits": exits, "api": api, "eventually": eventually,
	"call": call, "script": script, "carrier": carrier, "writes": writes, "ledger": ledger, "keep": keep, "age": age, "untilclear": untilClear, "flip": flip, "follow": follow, "unsaid": unsaid,
}

// patience of one step. Generous: the machine may be busy, and a story that hangs is found all the same.
const patience = 60 * time.Second

func within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

func need(ts *testscript.TestScript, neg bool, args []string, least int, usage string) {
	if neg || len(args) < least {
		ts.Fatalf("usage: %s", usage)
	}
}

func account(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "account NAME")
	w := worldOf(ts)
	cmd := append([]string{"admin", "create", "--with-api-key", "--log-level", "error", "--account", args[0], "--email", args[0] + "@example.com"}, w.database...)
	out, err := exec.CommandContext(context.Background(), binary, cmd...).CombinedOutput()
	if err != nil {
		ts.Fatalf("admin create: %v\n%s", err, out)
	}
	key := regexp.MustCompile(`api key: (\S+)`).FindSubmatch(out)
	password := regexp.MustCompile(`password: (\S+)`).FindSubmatch(out)
	brand := regexp.MustCompile(`brand: (\S+)`).FindSubmatch(out)
	ts.Setenv(args[0]+"_KEY", string(key[1]))
	ts.Setenv(args[0]+"_PASSWORD", string(password[1]))
	ts.Setenv(args[0]+"_BRAND", string(brand[1]))
	ts.Setenv("OVERTURE_API_KEY", string(key[1]))
}

func furnish(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "furnish NAME NUMBER")
	ctx, cancel := within()
	defer cancel()
	c := apiClient(ts, ts.Getenv(args[0]+"_KEY"))
	skill, err := c.CreateSkill(ctx, "Sales")
	ts.Check(err)
	sid, token := "AC"+strings.Repeat("0", 26)+fmt.Sprintf("%06d", len(args[0])*1000+len(args[1])), "token-of-"+args[0]
	sender, err := c.CreateSender(ctx, client.NewSender{
		Brand: ts.Getenv(args[0] + "_BRAND"), Name: args[0], Channel: "sms", Provider: "twilio", Address: args[1],
		BaseURL: ts.Getenv("LAB"), AccountSID: sid, AuthToken: token, Rate: 200,
	})
	ts.Check(err)
	l := lab.NewClient(ts.Getenv("LAB"))
	ts.Check(l.AddAccount(ctx, sid, token))
	ts.Check(l.SetNumber(ctx, lab.Number{Number: args[1], AccountSID: sid, InboundURL: sender.InboundURL}))
	hook, _, _ := strings.Cut(sender.InboundURL, "/inbound")
	ts.Setenv(args[0]+"_SENDER", sender.ID)
	ts.Setenv(args[0]+"_SKILL", skill.ID)
	ts.Setenv(args[0]+"_HOOK", hook)
}

func apiClient(ts *testscript.TestScript, key string) *client.Client {
	c, err := client.New(client.Options{URL: ts.Getenv("OVERTURE_URL"), APIKey: secret(key)})
	ts.Check(err)
	return c
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "exits CODE ARG…")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(binary, worldOf(ts).expand(args[1:])...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("overture %v: %v", args[1:], err)
	}
	if got != want {
		ts.Fatalf("overture %v: exit code %d, want %d", args[1:], got, want)
	}
}

func api(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, "api STATUS METHOD PATH [BODY]")
	body := strings.Join(args[3:], " ")
	if file, ok := strings.CutPrefix(body, "@"); ok {
		body = ts.ReadFile(file)
	}
	status, body := ask(ts, args[1], args[2], body)
	_, _ = io.WriteString(ts.Stdout(), body)
	if strconv.Itoa(status) != args[0] {
		ts.Fatalf("%s %s: got %d, want %s\n%s", args[1], args[2], status, args[0], body)
	}
}

func ask(ts *testscript.TestScript, method, path, body string) (int, string) {
	ctx, cancel := within()
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, ts.Getenv("OVERTURE_URL")+path, strings.NewReader(body))
	ts.Check(err)
	if strings.Contains(path, "/csv") {
		req.Header.Set("Content-Type", "text/csv")
	} else if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+ts.Getenv("OVERTURE_API_KEY"))
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	ts.Check(err)
	return resp.StatusCode, string(raw)
}

func eventually(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "eventually PATH REGEXP")
	want := regexp.MustCompile(args[1])
	deadline := time.Now().Add(patience)
	for {
		_, body := ask(ts, http.MethodGet, args[0], "")
		if want.MatchString(body) {
			_, _ = io.WriteString(ts.Stdout(), body)
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("GET %s never matched %s; the last answer was\n%s", args[0], args[1], body)
		}
		rest()
	}
}

func call(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "call STATUS URL [FORM]")
	ctx, cancel := within()
	defer cancel()
	form, err := url.ParseQuery(strings.Join(args[2:], "&"))
	ts.Check(err)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, args[1], strings.NewReader(form.Encode()))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", "bm90IHRoZSByaWdodCBvbmU=")
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	raw, _ := io.ReadAll(resp.Body)
	_, _ = ts.Stdout().Write(raw)
	if strconv.Itoa(resp.StatusCode) != args[0] {
		ts.Fatalf("POST %s: got %d, want %s\n%s", args[1], resp.StatusCode, args[0], raw)
	}
}

func script(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "script JSON")
	ctx, cancel := within()
	defer cancel()
	rules, err := rulesOf(strings.Join(args, " "))
	ts.Check(err)
	ts.Check(lab.NewClient(ts.Getenv("LAB")).SetScripts(ctx, rules))
}

func carrier(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "carrier JSON")
	ctx, cancel := within()
	defer cancel()
	l := lab.NewClient(ts.Getenv("LAB"))
	p, err := l.Profile(ctx, "")
	ts.Check(err)
	d := json.NewDecoder(strings.NewReader(strings.Join(args, " ")))
	d.DisallowUnknownFields()
	ts.Check(d.Decode(&p))
	ts.Check(l.SetProfile(ctx, "", p))
}

func writes(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, "writes FROM TO TEXT")
	ctx, cancel := within()
	defer cancel()
	_, err := lab.NewClient(ts.Getenv("LAB")).Write(ctx, args[0], args[1], args[2])
	ts.Check(err)
}

func ledger(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "ledger N")
	ctx, cancel := within()
	defer cancel()
	n := 0
	for e, err := range lab.NewClient(ts.Getenv("LAB")).Ledger(ctx, 0) {
		ts.Check(err)
		fmt.Fprintf(ts.Stdout(), "%s %s %s\n", e.To, e.Status, e.Body)
		n++
	}
	if strconv.Itoa(n) != args[0] {
		ts.Fatalf("the carrier accepted %d messages, want %s", n, args[0])
	}
}

func keep(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "keep VAR REGEXP")
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) < 2 {
		ts.Fatalf("%s is not in the last stdout", args[1])
	}
	ts.Setenv(args[0], found[1])
}

func schema(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "schema N")
	ctx, cancel := within()
	defer cancel()
	db, err := store.Open(ctx, worldOf(ts).store)
	ts.Check(err)
	defer db.Close()
	_, err = db.DB().Write.ExecContext(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, TRUE)`, args[0])
	ts.Check(err)
}

func askedInVain(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "askedinvain DURATION")
	long, err := time.ParseDuration(args[0])
	ts.Check(err)
	ctx, cancel := within()
	defer cancel()
	db, err := store.Open(ctx, worldOf(ts).store)
	ts.Check(err)
	defer db.Close()
	_, err = db.DB().Write.ExecContext(ctx, `UPDATE inflight SET failed_for = $1`, long.Milliseconds())
	ts.Check(err)
}

func age(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "age DAYS")
	days, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	ctx, cancel := within()
	defer cancel()
	db, err := store.Open(ctx, worldOf(ts).store)
	ts.Check(err)
	defer db.Close()
	for _, c := range []struct{ table, columns string }{
		{"campaign", "launch_at launched_at completed_at created_at updated_at"},
		{"message", "accepted_at replied_at stopped_at updated_at"},
		{"attempt", "started_at ended_at"},
		{"receipt", "received_at"},
		{"inbound", "received_at processed_at"},
		{"opt_out", "created_at"},
	} {
		var sets []string
		for _, column := range strings.Fields(c.columns) {
			sets = append(sets, column+" = "+column+" - $1")
		}
		_, err := db.DB().Write.ExecContext(ctx, `UPDATE `+c.table+` SET `+strings.Join(sets, ", "), days*24*time.Hour.Milliseconds())
		ts.Check(err)
	}
	_, err = db.DB().Write.ExecContext(ctx, `UPDATE sent_count SET quarter = quarter - $1`, days*96)
	ts.Check(err)
}

func untilClear(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 0, "untilclear [FLAG…]")
	deadline := time.Now().Add(patience)
	for {
		out, err := exec.CommandContext(context.Background(), binary, slices.Concat([]string{"quarantine", "status", "--json"}, worldOf(ts).database, args)...).CombinedOutput()
		if err == nil && strings.Contains(string(out), `"clear":true`) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("the quarantine never became clear: %v\n%s", err, out)
		}
		rest()
	}
}

func flip(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "flip FILE")
	path := ts.MkAbs(args[0])
	raw, err := os.ReadFile(path)
	ts.Check(err)
	raw[len(raw)/2] ^= 1
	ts.Check(os.WriteFile(path, raw, 0o600))
}

// follow is what an operator does with grep.
func follow(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "follow ID WORD…")
	deadline := time.Now().Add(patience)
	for {
		var found []string
		for line := range strings.Lines(worldOf(ts).procs["server"].log.String()) {
			if strings.Contains(line, args[0]) {
				found = append(found, line)
			}
		}
		all := strings.Join(found, "")
		missing := ""
		for _, word := range args[1:] {
			if !strings.Contains(all, word) {
				missing = word
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("the lines of %s never say %s:\n%s", args[0], missing, all)
		}
		rest()
	}
}

func unsaid(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "unsaid TEXT…")
	_, metrics := ask(ts, http.MethodGet, "/metrics", "")
	log := worldOf(ts).procs["server"].log.String()
	if !strings.Contains(log, "level\":\"DEBUG") {
		ts.Fatalf("the server does not log everything: the story proves nothing")
	}
	for _, text := range args {
		for line := range strings.Lines(log + metrics) {
			if strings.Contains(line, text) {
				ts.Fatalf("%q stands in\n%s", text, line)
			}
		}
	}
}
