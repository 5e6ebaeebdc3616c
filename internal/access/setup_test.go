package access_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/store"
	"github.com/overture-im/overture/internal/store/storetest"
)

func room(t *testing.T) (*access.Control, *store.Store, overture.Actor, access.Started) {
	t.Helper()
	s := storetest.Open(t)
	c := access.New(access.Deps{Store: s, CheckBaseURL: func(url string) error {
		if !strings.HasPrefix(url, "https://") {
			return errors.New("not https")
		}
		return nil
	}})
	started, err := c.Bootstrap(t.Context(), access.Beginning{Account: " Alpha ", Email: "Admin@Alpha.example", Password: "correct horse battery"})
	if err != nil {
		t.Fatal(err)
	}
	return c, s, overture.Actor{AccountID: started.Account.ID, UserID: started.Admin.ID}, started
}

func code(err error) string {
	var known *overture.Error
	if errors.As(err, &known) {
		return known.Code
	}
	return ""
}

func TestBootstrap(t *testing.T) {
	t.Parallel()
	c, s, by, started := room(t)
	if started.Account.Name != "Alpha" || started.Admin.Email != "admin@alpha.example" || started.Brand.Name != "Alpha" {
		t.Errorf("started = %+v", started)
	}
	if _, _, err := c.SignIn(t.Context(), "admin@alpha.example", "correct horse battery", "192.0.2.1", "req"); err != nil {
		t.Errorf("the first administrator cannot sign in: %v", err)
	}
	account, err := c.Account(t.Context(), by.AccountID)
	if err != nil || account.Settings.OptOutText != overture.OptOutTextDefault || account.Settings.SMSLimit != 140 {
		t.Errorf("account = %+v, %v; want the source documents' defaults", account, err)
	}
	if _, err := c.Bootstrap(t.Context(), access.Beginning{Account: "Beta", Email: "admin@alpha.example", Password: "correct horse battery"}); code(err) != "email_taken" {
		t.Errorf("the same address again: %v", err)
	}
	if n, _ := s.HasAccounts(t.Context()); !n {
		t.Error("there is no account")
	}
	for name, tt := range map[string]struct{ account, email, password, code string }{
		"no name":          {"", "x@beta.example", "correct horse battery", "bad_name"},
		"no address":       {"Beta", "nobody", "correct horse battery", "bad_email"},
		"name and address": {"Beta", "X <x@beta.example>", "correct horse battery", "bad_email"},
		"short password":   {"Beta", "x@beta.example", "short", "password_too_short"},
	} {
		if _, err := c.Bootstrap(t.Context(), access.Beginning{Account: tt.account, Email: tt.email, Password: tt.password}); code(err) != tt.code {
			t.Errorf("%s: %v, want %s", name, err, tt.code)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func TestSettings(t *testing.T) {
	t.Parallel()
	c, s, by, _ := room(t)
	window := overture.DefaultWindow()
	window.Days[time.Sunday] = overture.Hours{}
	window.Holidays = []string{"2026-12-25"}
	a, err := c.UpdateAccount(t.Context(), by, access.AccountChange{
		OptOutText: ptr(" Reply STOP to end "), SMSLimit: ptr(160), LengthPolicy: ptr(overture.LengthStrict), Window: &window, SendRate: ptr(5),
		Lookback: ptr(48 * time.Hour), HelpText: ptr("We help"), TimeZone: ptr("America/New_York"), OpenConversation: ptr(overture.OpenConversationHold),
	})
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Account(t.Context(), by.AccountID)
	if err != nil {
		t.Fatal(err)
	}
	want := overture.Settings{
		OptOutText: "Reply STOP to end", SMSLimit: 160, LengthPolicy: overture.LengthStrict, Window: window, SendRate: 5,
		Lookback: 48 * time.Hour, HelpText: "We help", TimeZone: "America/New_York", OpenConversation: overture.OpenConversationHold,
	}
	for _, got := range []overture.Settings{a.Settings, again.Settings} {
		if got.Window.Days != window.Days || !slices.Equal(got.Window.Holidays, window.Holidays) {
			t.Errorf("window = %+v", got.Window)
		}
		if got.OptOutText != want.OptOutText || got.SMSLimit != want.SMSLimit || got.Lookback != want.Lookback || got.TimeZone != want.TimeZone ||
			got.HelpText != want.HelpText || got.LengthPolicy != want.LengthPolicy || got.SendRate != want.SendRate || got.OpenConversation != want.OpenConversation {
			t.Errorf("settings = %+v, want %+v", got, want)
		}
	}
	for name, tt := range map[string]struct {
		change access.AccountChange
		code   string
	}{
		"no opt-out text":       {access.AccountChange{OptOutText: ptr(" ")}, "opt_out_text"},
		"opt-out over lines":    {access.AccountChange{OptOutText: ptr("Reply\nSTOP")}, "opt_out_text"},
		"limit too small":       {access.AccountChange{SMSLimit: ptr(10)}, "sms_limit"},
		"no room for the text":  {access.AccountChange{SMSLimit: ptr(100), OptOutText: ptr(strings.Repeat("x", 100))}, "sms_limit"},
		"rate":                  {access.AccountChange{SendRate: ptr(-1)}, "send_rate"},
		"rate above a sender's": {access.AccountChange{SendRate: ptr(access.MaxRate + 1)}, "send_rate"},
		"lookback":              {access.AccountChange{Lookback: ptr(time.Minute)}, "lookback"},
		"zone":                  {access.AccountChange{TimeZone: ptr("Mars/Olympus")}, "time_zone"},
		"policy":                {access.AccountChange{LengthPolicy: ptr(overture.LengthPolicy("none"))}, "length_policy"},
		"open conversation":     {access.AccountChange{OpenConversation: ptr(overture.OpenConversationPolicy("no"))}, "open_conversation"},
		"name":                  {access.AccountChange{Name: ptr("")}, "bad_name"},
		"skill of nobody":       {access.AccountChange{DefaultSkillID: ptr(overture.SkillID(5))}, "skill_not_found"},
	} {
		if _, err := c.UpdateAccount(t.Context(), by, tt.change); code(err) != tt.code {
			t.Errorf("%s: %v, want %s", name, err, tt.code)
		}
	}
	if after, _ := s.Account(t.Context(), by.AccountID); after.Settings.SMSLimit != 160 || after.Settings.OptOutText != "Reply STOP to end" {
		t.Errorf("a refused change left something behind: %+v", after.Settings)
	}
}

func TestSenders(t *testing.T) {
	t.Parallel()
	c, s, by, started := room(t)
	good := access.NewSender{
		BrandID: started.Brand.ID, Name: "main", Channel: overture.SMS, Provider: access.Twilio, Address: "+12125550100",
		AccountSID: "AC0123456789abcdef0123456789abcdef", AuthToken: "first",
	}
	x, err := c.CreateSender(t.Context(), by, good)
	if err != nil {
		t.Fatal(err)
	}
	if x.BaseURL != "https://api.twilio.com" || x.Rate != 1 || len(x.WebhookKey) < 32 || x.AuthToken != "" {
		t.Errorf("sender = %+v", x)
	}
	tokens := func() (string, string) {
		t.Helper()
		got, err := s.SenderForDispatch(t.Context(), x.ID)
		if err != nil {
			t.Fatal(err)
		}
		byKey, err := s.SenderByWebhookKey(t.Context(), x.WebhookKey)
		if err != nil || byKey.ID != x.ID || byKey.AuthToken != got.AuthToken {
			t.Errorf("by webhook key: %v, %v", byKey, err)
		}
		return got.AuthToken.Reveal(), got.SecondAuthToken.Reveal()
	}
	change := func(ch access.SenderChange) {
		t.Helper()
		if got, err := c.UpdateSender(t.Context(), by, x.ID, ch); err != nil || got.AuthToken != "" || got.SecondAuthToken != "" {
			t.Errorf("update: %+v, %v", got, err)
		}
	}
	steps := []struct {
		change        access.SenderChange
		first, second string
	}{
		{access.SenderChange{Name: ptr("renamed")}, "first", ""},
		{access.SenderChange{AuthToken: ptr(overture.Secret("next"))}, "next", "first"}, // rotation: the old one still proves signatures
		{access.SenderChange{AuthToken: ptr(overture.Secret("next"))}, "next", "first"}, // the same again changes nothing
		{access.SenderChange{SecondAuthToken: ptr(overture.Secret(""))}, "next", ""},
		{access.SenderChange{AuthToken: ptr(overture.Secret("third")), SecondAuthToken: ptr(overture.Secret("fourth"))}, "third", "fourth"},
	}
	for i, step := range steps {
		change(step.change)
		if first, second := tokens(); first != step.first || second != step.second {
			t.Errorf("step %d: tokens %q %q, want %q %q", i, first, second, step.first, step.second)
		}
	}
	for name, tt := range map[string]struct {
		change func(*access.NewSender)
		code   string
	}{
		"same address":      {func(*access.NewSender) {}, "address_taken"},
		"national number":   {func(n *access.NewSender) { n.Address = "2125550101" }, "bad_address"},
		"account SID":       {func(n *access.NewSender) { n.Address, n.AccountSID = "+12125550101", "AC1" }, "bad_account_sid"},
		"token over lines":  {func(n *access.NewSender) { n.Address, n.AuthToken = "+12125550101", "a\nb" }, "bad_auth_token"},
		"no token":          {func(n *access.NewSender) { n.Address, n.AuthToken = "+12125550101", "" }, "bad_auth_token"},
		"base URL":          {func(n *access.NewSender) { n.Address, n.BaseURL = "+12125550101", "http://169.254.169.254" }, "bad_base_url"},
		"rate":              {func(n *access.NewSender) { n.Address, n.Rate = "+12125550101", -1 }, "bad_rate"},
		"provider":          {func(n *access.NewSender) { n.Provider = "carrier pigeon" }, "unknown_provider"},
		"brand of nobody":   {func(n *access.NewSender) { n.Address, n.BrandID = "+12125550101", 5 }, "brand_not_found"},
		"messaging service": {func(n *access.NewSender) { n.Address, n.MessagingServiceSID = "+12125550101", "MG1" }, "bad_messaging_service_sid"},
	} {
		n := good
		tt.change(&n)
		if _, err := c.CreateSender(t.Context(), by, n); code(err) != tt.code {
			t.Errorf("%s: %v, want %s", name, err, tt.code)
		}
	}
	if all, err := c.Senders(t.Context(), by.AccountID, 0, 10); err != nil || len(all) != 1 {
		t.Errorf("senders = %v, %v; want the one good one", all, err)
	}
	if err := s.StopSender(t.Context(), x.ID, "the provider rejects the credentials (20003)"); err != nil {
		t.Fatal(err)
	}
	if err := s.StopSender(t.Context(), x.ID, "another reason"); err != nil {
		t.Fatal(err)
	}
	got, err := c.Sender(t.Context(), by.AccountID, x.ID)
	if err != nil || !got.Stopped || got.StopReason != "the provider rejects the credentials (20003)" {
		t.Errorf("stopped sender = %+v, %v; want the first reason", got, err)
	}
	if got, err = c.StartSender(t.Context(), by, x.ID); err != nil || got.Stopped || got.StopReason != "" {
		t.Errorf("started sender = %+v, %v", got, err)
	}
}

func TestSkillsOfUsers(t *testing.T) {
	t.Parallel()
	c, _, by, _ := room(t)
	one, err := c.CreateSkill(t.Context(), by, "sales 100%")
	if err != nil {
		t.Fatal(err)
	}
	two, err := c.CreateSkill(t.Context(), by, "support")
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.CreateUser(t.Context(), by, access.NewUser{
		Email: "agent@alpha.example", Name: "A", Password: "correct horse battery", Role: overture.AgentRole,
		Skills: []overture.SkillID{one.ID, one.ID, two.ID},
	})
	if err != nil {
		t.Fatal(err)
	}
	if m, err = c.User(t.Context(), by.AccountID, m.ID); err != nil || !slices.Equal(m.Skills, []overture.SkillID{one.ID, two.ID}) {
		t.Errorf("skills = %v, %v", m.Skills, err)
	}
	if m, err = c.UpdateUser(t.Context(), by, m.ID, access.UserChange{Skills: &[]overture.SkillID{}}); err != nil || len(m.Skills) != 0 {
		t.Errorf("skills = %v, %v; want none", m.Skills, err)
	}
	for search, want := range map[string]int{"": 2, "S": 2, "SALES": 1, "100%": 1, "%": 1, "_": 0, `\`: 0} {
		if got, err := c.Skills(t.Context(), overture.SkillFilter{AccountID: by.AccountID, Search: search, Limit: 10}); err != nil || len(got) != want {
			t.Errorf("search %q = %v, %v; want %d", search, got, err, want)
		}
	}
}

func TestSkillsAreRenamedAndArchived(t *testing.T) {
	t.Parallel()
	c, _, by, _ := room(t)
	one, err := c.CreateSkill(t.Context(), by, "sales")
	if err != nil {
		t.Fatal(err)
	}
	two, err := c.CreateSkill(t.Context(), by, "support")
	if err != nil {
		t.Fatal(err)
	}
	yes, no, taken, name := true, false, "support", "offers"
	if _, err := c.UpdateSkill(t.Context(), by, one.ID, access.SkillChange{Name: &taken}); code(err) != "name_taken" {
		t.Errorf("a name that another has: %v", err)
	}
	if got, err := c.UpdateSkill(t.Context(), by, one.ID, access.SkillChange{Name: &name, Archived: &yes}); err != nil || got.Name != "offers" || !got.Archived() {
		t.Errorf("renamed and archived = %+v, %v", got, err)
	}
	if got, err := c.Skills(t.Context(), overture.SkillFilter{AccountID: by.AccountID, Limit: 10}); err != nil || len(got) != 1 || got[0].ID != two.ID {
		t.Errorf("offered = %+v, %v; want only support", got, err)
	}
	if got, err := c.Skills(t.Context(), overture.SkillFilter{AccountID: by.AccountID, Archived: true, Limit: 10}); err != nil || len(got) != 2 {
		t.Errorf("all = %+v, %v", got, err)
	}
	if _, err := c.UpdateAccount(t.Context(), by, access.AccountChange{DefaultSkillID: &one.ID}); code(err) != "skill_archived" {
		t.Errorf("an archived skill as default: %v", err)
	}
	if _, err := c.UpdateAccount(t.Context(), by, access.AccountChange{DefaultSkillID: &two.ID}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UpdateSkill(t.Context(), by, two.ID, access.SkillChange{Archived: &yes}); code(err) != "skill_is_default" {
		t.Errorf("the default skill was archived: %v", err)
	}
	if got, err := c.UpdateSkill(t.Context(), by, one.ID, access.SkillChange{Archived: &no}); err != nil || got.Archived() {
		t.Errorf("brought back = %+v, %v", got, err)
	}
	other := by
	other.AccountID++
	if _, err := c.UpdateSkill(t.Context(), other, one.ID, access.SkillChange{Name: &name}); !errors.Is(err, overture.NotFound) {
		t.Errorf("another account renamed it: %v", err)
	}
}

func TestAuditIsFiltered(t *testing.T) {
	t.Parallel()
	c, _, by, _ := room(t)
	before := time.Now()
	k, err := c.CreateSkill(t.Context(), by, "sales")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateBrand(t.Context(), by, "second"); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		filter overture.AuditFilter
		want   bool
	}{
		"by kind":              {overture.AuditFilter{Action: "skill."}, true},
		"by action":            {overture.AuditFilter{Action: "skill.created"}, true},
		"not a pattern":        {overture.AuditFilter{Action: "%"}, false},
		"by subject and actor": {overture.AuditFilter{Subject: k.ID.String(), Actor: by.String()}, true},
		"by another actor":     {overture.AuditFilter{Subject: k.ID.String(), Actor: "usr_1"}, false},
		"from before":          {overture.AuditFilter{Action: "skill.", From: before.Add(-time.Minute)}, true},
		"from later":           {overture.AuditFilter{Action: "skill.", From: before.Add(time.Minute)}, false},
		"until before":         {overture.AuditFilter{Action: "skill.", Until: before.Add(-time.Minute)}, false},
	} {
		x.filter.AccountID, x.filter.Limit = by.AccountID, 10
		got, err := c.AuditEntries(t.Context(), x.filter)
		if found := len(got) == 1 && got[0].Subject == k.ID.String(); err != nil || found != x.want || len(got) > 1 {
			t.Errorf("%s: %+v, %v; want it found: %v", name, got, err, x.want)
		}
	}
}
