package api

import (
	"context"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/outbound/policy"
)

// policyRoom is what this resource needs of internal/outbound/policy.
type policyRoom interface {
	Packs() []policy.Pack
	Active(ctx context.Context, account overture.AccountID) (overture.Policy, error)
	Simulate(ctx context.Context, account overture.AccountID, campaign overture.CampaignID, p overture.Policy, at *time.Time) (policy.Simulation, error)
	Activate(ctx context.Context, by overture.Actor, p overture.Policy) (overture.Policy, error)
}

type packRefBody struct {
	Name    string `json:"name" minLength:"1" maxLength:"60"`
	Version string `json:"version,omitempty" maxLength:"20" doc:"Left out: the newest of the program"`
}

type capBody struct {
	Max   int `json:"max" minimum:"1" maximum:"1000" doc:"Messages of campaigns per person, over all channels, senders and campaigns of the account"`
	Hours int `json:"hours" minimum:"1" maximum:"744" doc:"Length of the rolling period"`
}

type policyBody struct {
	Packs         []packRefBody `json:"packs" maxItems:"20" doc:"Packs narrow the window of campaigns, never widen it. Empty: none"`
	MinConfidence string        `json:"min_confidence,omitempty" enum:"low,medium,high" doc:"Rules that are less certain are left out. Left out: all apply"`
	Cap           *capBody      `json:"cap,omitempty" doc:"Frequency cap; left out: only those of the packs"`
	OverCap       string        `json:"over_cap,omitempty" enum:"suppress,hold" doc:"What happens to a message over a cap: it ends suppressed (default), or waits until the period has rolled on"`
}

func (b policyBody) policy() overture.Policy {
	p := overture.Policy{MinConfidence: overture.Confidence(b.MinConfidence), OverCap: overture.OverCap(b.OverCap)}
	for _, x := range b.Packs {
		p.Packs = append(p.Packs, overture.PackRef(x))
	}
	if b.Cap != nil {
		p.Cap = overture.Cap{Max: b.Cap.Max, Per: time.Duration(b.Cap.Hours) * time.Hour}
	}
	return p
}

func wirePolicy(p overture.Policy) policyBody {
	b := policyBody{Packs: []packRefBody{}, MinConfidence: string(p.MinConfidence), OverCap: string(p.OverCap)}
	for _, x := range p.Packs {
		b.Packs = append(b.Packs, packRefBody(x))
	}
	if p.Cap.Max > 0 {
		b.Cap = &capBody{Max: p.Cap.Max, Hours: int(p.Cap.Per / time.Hour)}
	}
	return b
}

type packRuleBody struct {
	ID             string     `json:"id"`
	Area           string     `json:"area"`
	Country        string     `json:"country,omitempty" doc:"ISO 3166"`
	State          string     `json:"state,omitempty"`
	Hours          windowBody `json:"hours" doc:"In the recipient's own time, end exclusive"`
	HolidaysBanned bool       `json:"holidays_banned"`
	Calendar       string     `json:"calendar,omitempty" doc:"Of the holidays; absent although they are banned: not known, see gap"`
	Gap            string     `json:"gap,omitempty" doc:"What the rule cannot see"`
	Cap            *capBody   `json:"cap,omitempty"`
	Confidence     string     `json:"confidence" enum:"low,medium,high"`
	Cite           string     `json:"cite,omitempty"`
	Source         string     `json:"source,omitempty"`
	Texts          string     `json:"texts,omitempty" doc:"Whether the source covers text messages"`
	Note           string     `json:"note,omitempty"`
}

func wirePackRule(r policy.Rule) packRuleBody {
	b := packRuleBody{
		ID: r.ID, Area: r.Area, Country: r.Country, State: r.State, Hours: wireWindow(overture.Window{Days: r.Days}), HolidaysBanned: r.Holidays,
		Calendar: r.Calendar, Gap: r.Gap, Confidence: string(r.Confidence), Cite: r.Cite, Source: r.Source, Texts: r.Texts, Note: r.Note,
	}
	if r.Cap.Max > 0 {
		b.Cap = &capBody{Max: r.Cap.Max, Hours: int(r.Cap.Per / time.Hour)}
	}
	return b
}

type holidayBody struct {
	Date string `json:"date"`
	Name string `json:"name"`
}

type calendarBody struct {
	ID       string        `json:"id"`
	Title    string        `json:"title"`
	Source   string        `json:"source"`
	Gap      string        `json:"gap,omitempty"`
	Holidays []holidayBody `json:"holidays" doc:"Of this year and the next"`
}

type packBody struct {
	Name       string         `json:"name"`
	Version    string         `json:"version"`
	Title      string         `json:"title"`
	Disclaimer string         `json:"disclaimer"`
	AsOf       string         `json:"as_of"`
	Rules      []packRuleBody `json:"rules"`
	Calendars  []calendarBody `json:"calendars"`
}

type packsOutput struct {
	Body struct {
		Items []packBody `json:"items" doc:"Every version of every pack in the program"`
	}
}

type policyOutput struct{ Body policyBody }

type activatePolicyInput struct{ Body policyBody }

type simulatePolicyInput struct {
	Body struct {
		Campaign campaignRef `json:"campaign" doc:"On whose list"`
		Policy   policyBody  `json:"policy"`
		LaunchAt string      `json:"launch_at,omitempty" maxLength:"40" doc:"When the campaign is taken to start: RFC 3339, or now; left out: its own launch time. Rules that are open at that moment change nothing"`
	}
}

type effectBody struct {
	Recipients int       `json:"recipients"`
	Shifted    int       `json:"shifted" doc:"Go later than without the policy"`
	Until      time.Time `json:"until,omitzero" doc:"When the last of the shifted may go"`
	Blocked    int       `json:"blocked" doc:"Would not go at all within two weeks, or before the validity ends"`
	Capped     int       `json:"capped" doc:"Have had as many messages as a cap allows"`
}

type ruleEffectBody struct {
	Rule       string     `json:"rule" doc:"Pack, version and id"`
	Area       string     `json:"area"`
	Confidence string     `json:"confidence,omitempty"`
	Cite       string     `json:"cite,omitempty"`
	Note       string     `json:"note,omitempty"`
	Effect     effectBody `json:"effect"`
}

type simulationOutput struct {
	Body struct {
		Total  effectBody       `json:"total"`
		Policy policyBody       `json:"policy" doc:"With the versions that were used"`
		Start  time.Time        `json:"start" doc:"When the campaign is taken to start"`
		Rules  []ruleEffectBody `json:"rules" doc:"Those that are for somebody in the list"`
		Gaps   []string         `json:"gaps" doc:"What these rules cannot see"`
	}
}

func (a *API) registerPolicy() {
	register(a, access.AccountRead, operation{
		Method: "GET", Path: "/v1/policy/packs", Summary: "List the policy packs", Tag: "policy",
		Description: "Rules on when people of a state or country may be texted, and how often, with cite, source and confidence. A guard rail, not legal advice.",
	}, a.listPacks)
	register(a, access.AccountRead, operation{Method: "GET", Path: "/v1/policy", Summary: "Get the account's policy", Tag: "policy"}, a.getPolicy)
	register(a, access.CampaignsRead, operation{
		Method: "POST", Path: "/v1/policy/simulate", Summary: "Try a policy on a campaign's list", Tag: "policy",
		Description: "The real planner over the whole list, with and without the policy. Changes nothing.",
	}, a.simulatePolicy)
	register(a, access.AccountWrite, operation{
		Method: "PUT", Path: "/v1/policy", Summary: "Activate a policy", Tag: "policy",
		Description: "Replaces the account's policy, audited. Campaigns launched from now on are frozen with it; launched ones keep theirs.",
	}, a.activatePolicy)
}

func (a *API) listPacks(context.Context, access.Identity, *struct{}) (*packsOutput, error) {
	out := &packsOutput{}
	year := time.Now().UTC().Year()
	for _, p := range a.deps.Policy.Packs() {
		b := packBody{Name: p.Name, Version: p.Version, Title: p.Title, Disclaimer: p.Disclaimer, AsOf: p.AsOf, Rules: []packRuleBody{}, Calendars: []calendarBody{}}
		for _, r := range p.Rules {
			b.Rules = append(b.Rules, wirePackRule(r))
		}
		for _, c := range p.Calendars {
			x := calendarBody{ID: c.ID, Title: c.Title, Source: c.Source, Gap: c.Gap, Holidays: []holidayBody{}}
			for _, h := range append(c.On(year), c.On(year+1)...) {
				x.Holidays = append(x.Holidays, holidayBody{Date: h.Date.Format(time.DateOnly), Name: h.Name})
			}
			b.Calendars = append(b.Calendars, x)
		}
		out.Body.Items = append(out.Body.Items, b)
	}
	return out, nil
}

func (a *API) getPolicy(ctx context.Context, who access.Identity, _ *struct{}) (*policyOutput, error) {
	p, err := a.deps.Policy.Active(ctx, who.AccountID)
	if err != nil {
		return nil, err
	}
	return &policyOutput{Body: wirePolicy(p)}, nil
}

func (a *API) activatePolicy(ctx context.Context, who access.Identity, in *activatePolicyInput) (*policyOutput, error) {
	p, err := a.deps.Policy.Activate(ctx, who.Actor(), in.Body.policy())
	if err != nil {
		return nil, err
	}
	return &policyOutput{Body: wirePolicy(p)}, nil
}

func (a *API) simulatePolicy(ctx context.Context, who access.Identity, in *simulatePolicyInput) (*simulationOutput, error) {
	at, err := launchTime(in.Body.LaunchAt, "body.launch_at")
	if err != nil {
		return nil, err
	}
	s, err := a.deps.Policy.Simulate(ctx, who.AccountID, in.Body.Campaign.ID, in.Body.Policy.policy(), at)
	if err != nil {
		return nil, err
	}
	out := &simulationOutput{}
	b := &out.Body
	b.Total, b.Policy, b.Start, b.Rules, b.Gaps = wireEffect(s.Total), wirePolicy(s.Policy), s.Start, []ruleEffectBody{}, append([]string{}, s.Gaps...)
	for _, r := range s.Rules {
		x := ruleEffectBody{Effect: wireEffect(r.Effect), Rule: r.Ref, Area: r.Area}
		if r.Rule != nil {
			x.Confidence, x.Cite, x.Note = string(r.Rule.Confidence), r.Rule.Cite, r.Rule.Note
			if x.Cite == "" {
				x.Cite = r.Rule.Source
			}
		}
		b.Rules = append(b.Rules, x)
	}
	return out, nil
}

func wireEffect(e policy.Effect) effectBody {
	return effectBody{Recipients: e.Recipients, Shifted: e.Shifted, Until: e.Until, Blocked: e.Blocked, Capped: e.Capped}
}
