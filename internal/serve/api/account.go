package api

import (
	"context"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

// accountRoom is what account, brands, skills and the audit log need of internal/access.
type accountRoom interface {
	Account(ctx context.Context, id overture.AccountID) (overture.Account, error)
	SetStopped(ctx context.Context, by overture.Actor, stopped bool, reason string) (overture.Account, error)
	UpdateAccount(ctx context.Context, by overture.Actor, change access.AccountChange) (overture.Account, error)
	CreateBrand(ctx context.Context, by overture.Actor, name string) (overture.Brand, error)
	Brands(ctx context.Context, account overture.AccountID, after overture.BrandID, limit int) ([]overture.Brand, error)
	CreateSkill(ctx context.Context, by overture.Actor, name string) (overture.Skill, error)
	UpdateSkill(ctx context.Context, by overture.Actor, id overture.SkillID, change access.SkillChange) (overture.Skill, error)
	Skills(ctx context.Context, f overture.SkillFilter) ([]overture.Skill, error)
	AuditEntries(ctx context.Context, f overture.AuditFilter) ([]overture.AuditEntry, error)
	Prices(ctx context.Context, account overture.AccountID) (overture.PriceTable, error)
	SetPrices(ctx context.Context, by overture.Actor, currency string, prices []overture.Price, was int) (overture.PriceTable, error)
}

type accountBody struct {
	ID               accountRef `json:"id"`
	Name             string     `json:"name"`
	OptOutText       string     `json:"opt_out_text" doc:"Mandatory text at the end of every SMS"`
	SMSLimit         int        `json:"sms_limit" doc:"Characters of an SMS, the opt-out text included"`
	LengthPolicy     string     `json:"length_policy" enum:"warn,one_segment,strict"`
	Window           windowBody `json:"window" doc:"Default sending window of new campaigns"`
	SendRate         int        `json:"send_rate" doc:"Segments per second of new campaigns"`
	LookbackHours    int        `json:"lookback_hours" doc:"How long a reply belongs to a message"`
	DefaultSkill     skillRef   `json:"default_skill,omitzero" doc:"Replies outside the lookback go here"`
	HelpText         string     `json:"help_text" doc:"Answer to HELP; empty: a short one with the brand's name and STOP"`
	TimeZone         string     `json:"time_zone" doc:"IANA name, for dates that people type"`
	OpenConversation string     `json:"open_conversation" enum:"skip,hold,deliver" doc:"What a campaign does with people in a conversation"`
	OrdinaryWords    []string   `json:"ordinary_words" doc:"Keywords such as CANCEL, END, YES that are plain answers while a conversation is open; STOP and its like never are"`
	CreatedAt        time.Time  `json:"created_at"`

	Rails      accountRailsBody  `json:"rails" doc:"Guard rails; 0: off"`
	Stopped    bool              `json:"stopped" doc:"Kill switch: nothing of this account is sent"`
	StopReason overture.Sentence `json:"stop_reason,omitzero"`
	StoppedAt  time.Time         `json:"stopped_at,omitzero"`
}

func wireAccount(a overture.Account) accountBody {
	s := a.Settings
	return accountBody{
		ID: refTo(a.ID), Name: a.Name, OptOutText: s.OptOutText, SMSLimit: s.SMSLimit, LengthPolicy: string(s.LengthPolicy),
		Window: wireWindow(s.Window), SendRate: s.SendRate, LookbackHours: int(s.Lookback / time.Hour), DefaultSkill: refTo(s.DefaultSkillID),
		HelpText: s.HelpText, TimeZone: s.TimeZone, OpenConversation: string(s.OpenConversation), OrdinaryWords: append([]string{}, s.OrdinaryWords...), CreatedAt: a.CreatedAt,
		Rails: wireAccountRails(s.Rails), Stopped: a.Stopped, StopReason: own(a.StopReason), StoppedAt: a.StoppedAt,
	}
}

type accountOutput struct{ Body accountBody }

type updateAccountInput struct {
	Body struct {
		Name             *string     `json:"name,omitempty" minLength:"1" maxLength:"200"`
		OptOutText       *string     `json:"opt_out_text,omitempty" maxLength:"160"`
		SMSLimit         *int        `json:"sms_limit,omitempty" minimum:"60" maximum:"1600"`
		LengthPolicy     *string     `json:"length_policy,omitempty" enum:"warn,one_segment,strict"`
		Window           *windowBody `json:"window,omitempty"`
		SendRate         *int        `json:"send_rate,omitempty" minimum:"1" maximum:"100000"`
		LookbackHours    *int        `json:"lookback_hours,omitempty" minimum:"1" maximum:"8784"`
		DefaultSkill     *skillRef   `json:"default_skill,omitempty"`
		HelpText         *string     `json:"help_text,omitempty" maxLength:"320"`
		TimeZone         *string     `json:"time_zone,omitempty" maxLength:"64"`
		OpenConversation *string     `json:"open_conversation,omitempty" enum:"skip,hold,deliver"`
		OrdinaryWords    *[]string   `json:"ordinary_words,omitempty" maxItems:"20" doc:"Replaces all"`

		Rails *accountRailsChange `json:"rails,omitempty" doc:"Changes what is named; 0 switches a rail off"`
	}
}

func (a *API) registerAccount() {
	register(a, access.AccountRead, operation{Method: "GET", Path: "/v1/account", Summary: "Get the account and its settings", Tag: "account"}, a.getAccount)
	register(a, access.AccountWrite, operation{
		Method: "PATCH", Path: "/v1/account", Summary: "Change the account's settings", Tag: "account",
		Description: "Settings are defaults of new campaigns; launched ones keep theirs.",
	}, a.updateAccount)
	a.registerKillSwitch()
}

func (a *API) getAccount(ctx context.Context, who access.Identity, _ *struct{}) (*accountOutput, error) {
	account, err := a.deps.Accounts.Account(ctx, who.AccountID)
	if err != nil {
		return nil, err
	}
	return &accountOutput{Body: wireAccount(account)}, nil
}

func (a *API) updateAccount(ctx context.Context, who access.Identity, in *updateAccountInput) (*accountOutput, error) {
	b := in.Body
	change := access.AccountChange{
		Name: b.Name, OptOutText: b.OptOutText, SMSLimit: b.SMSLimit, SendRate: b.SendRate, HelpText: b.HelpText, TimeZone: b.TimeZone,
		LengthPolicy: (*overture.LengthPolicy)(b.LengthPolicy), OpenConversation: (*overture.OpenConversationPolicy)(b.OpenConversation), OrdinaryWords: b.OrdinaryWords,
	}
	if b.Window != nil {
		w, err := b.Window.window("body.window")
		if err != nil {
			return nil, err
		}
		change.Window = &w
	}
	if b.LookbackHours != nil {
		d := time.Duration(*b.LookbackHours) * time.Hour
		change.Lookback = &d
	}
	if b.DefaultSkill != nil {
		change.DefaultSkillID = &b.DefaultSkill.ID
	}
	if b.Rails != nil {
		change.Rails = b.Rails.over
	}
	account, err := a.deps.Accounts.UpdateAccount(ctx, who.Actor(), change)
	if err != nil {
		return nil, err
	}
	return &accountOutput{Body: wireAccount(account)}, nil
}
