package cli

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/client"
)

// campaignFile is a campaign as a file. Unknown fields are errors: a misspelt opt_out_text must not be ignored.
type campaignFile struct {
	Name             string      `yaml:"name"`
	Channel          string      `yaml:"channel"`
	Sender           string      `yaml:"sender"` // the from-number, or snd_…
	Skill            string      `yaml:"skill"`  // its name, or skl_…
	Text             string      `yaml:"text"`
	OptOutText       string      `yaml:"opt_out_text"`
	SmartEncoding    bool        `yaml:"smart_encoding"`
	LaunchAt         string      `yaml:"launch_at"`
	Window           *windowFile `yaml:"window"`
	Rate             int         `yaml:"rate"`
	LookbackHours    *int        `yaml:"lookback_hours"`
	ExpiresAt        string      `yaml:"expires_at"`
	UndoSeconds      *int        `yaml:"undo_seconds"`
	Rails            *railsFile  `yaml:"rails"`
	Policy           string      `yaml:"policy"`
	OpenConversation string      `yaml:"open_conversation"`
	Recipients       string      `yaml:"recipients"` // path of the CSV file, relative to this file
}

// railsFile is the guard rails of the campaign.
type railsFile struct {
	Canary   *canaryFile `yaml:"canary"`
	Ramp     *rampFile   `yaml:"ramp"`
	Segments int64       `yaml:"segments"`
	Spend    string      `yaml:"spend"` // an amount such as 99.50, in the currency of the prices
}

type canaryFile struct {
	Recipients      int `yaml:"recipients" json:"recipients,omitempty"`
	Percent         int `yaml:"percent" json:"percent,omitempty"`
	WaitMinutes     int `yaml:"wait_minutes" json:"wait_minutes,omitempty"`
	FailedPercent   int `yaml:"failed_percent" json:"failed_percent,omitempty"`
	OptedOutPercent int `yaml:"opted_out_percent" json:"opted_out_percent,omitempty"`
	UnknownPercent  int `yaml:"unknown_percent" json:"unknown_percent,omitempty"`
}

type rampFile struct {
	Percents    []int `yaml:"percents" json:"percents"`
	StepMinutes int   `yaml:"step_minutes" json:"step_minutes"`
}

// wire is nil when the file names no rails.
func (r *railsFile) wire() (map[string]any, error) {
	if r == nil {
		return nil, nil //nolint:nilnil // the account's defaults
	}
	out := map[string]any{}
	if r.Canary != nil {
		out["canary"] = *r.Canary
	}
	if r.Ramp != nil {
		out["ramp"] = *r.Ramp
	}
	if r.Segments != 0 {
		out["segments"] = r.Segments
	}
	if r.Spend != "" {
		micros, err := overture.ParseMoney(r.Spend)
		if err != nil {
			return nil, err
		}
		out["spend"] = micros
	}
	return out, nil
}

// windowFile is the sending window in the recipient's own time. A day that is not named is closed; every_day stands for all seven.
type windowFile struct {
	EveryDay []string `yaml:"every_day"`
	Mon      []string `yaml:"mon"`
	Tue      []string `yaml:"tue"`
	Wed      []string `yaml:"wed"`
	Thu      []string `yaml:"thu"`
	Fri      []string `yaml:"fri"`
	Sat      []string `yaml:"sat"`
	Sun      []string `yaml:"sun"`
	Holidays []string `yaml:"holidays"`
}

// largestCampaignFile bounds what is read: a list given by mistake must not fill the memory.
const largestCampaignFile = 1 << 20

func readCampaignFile(path string) (campaignFile, []byte, error) {
	var f campaignFile
	info, err := os.Stat(path)
	if err != nil {
		return f, nil, overture.ErrInvalid("no_campaign_file", "cannot read "+path+": "+plain(err))
	}
	if info.Size() > largestCampaignFile {
		return f, nil, overture.ErrInvalid("campaign_file_too_large", path+" is larger than 1 MB; is it the list? Give the list with --recipients")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return f, nil, overture.ErrInvalid("no_campaign_file", "cannot read "+path+": "+plain(err))
	}
	return f, raw, parseCampaignFile(path, raw, &f)
}

func parseCampaignFile(path string, raw []byte, f *campaignFile) error {
	err := yaml.Load(raw, f, yaml.WithKnownFields())
	if err == nil {
		return nil
	}
	wrong := &overture.Error{Kind: overture.Invalid, Code: "bad_campaign_file", Message: path + " is not a campaign file:", Err: err}
	var all *yaml.LoadErrors
	var one *yaml.LoadError
	switch {
	case errors.As(err, &all):
		for _, e := range all.Errors {
			wrong.Fields = append(wrong.Fields, fieldOf(e))
		}
	case errors.As(err, &one):
		wrong.Fields = append(wrong.Fields, fieldOf(one))
	default:
		wrong.Fields = append(wrong.Fields, overture.Field{Location: path, Message: err.Error()})
	}
	return wrong
}

var (
	unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)
	typeName     = regexp.MustCompile(` into (\S+)`)
)

func fieldOf(e *yaml.LoadError) overture.Field {
	message := unknownField.ReplaceAllString(e.Message, `there is no field "$1"`)
	message = typeName.ReplaceAllStringFunc(message, func(s string) string {
		switch strings.TrimPrefix(s, " into ") {
		case "int":
			return ": a whole number is needed"
		case "bool":
			return ": true or false is needed"
		case "string":
			return ": text is needed"
		default:
			return ": something else is needed here"
		}
	})
	return overture.Field{Location: fmt.Sprintf("line %d", e.Mark.Line), Message: message}
}

// draft turns the file into what the API takes. Sender and skill are still as written.
func (f campaignFile) draft() (client.Draft, *time.Time, error) {
	d := client.Draft{
		Name: f.Name, Channel: cmpString(f.Channel, string(overture.SMS)), Sender: f.Sender, Skill: f.Skill, Text: f.Text,
		OptOutText: f.OptOutText, SmartEncoding: f.SmartEncoding, Rate: f.Rate, LookbackHours: f.LookbackHours, UndoSeconds: f.UndoSeconds,
		Policy: f.Policy, OpenConversation: f.OpenConversation,
	}
	wrong := &overture.Error{Kind: overture.Invalid, Code: "bad_campaign_file", Message: "the campaign file is not complete:"}
	need := func(field, value string) {
		if strings.TrimSpace(value) == "" {
			wrong.Fields = append(wrong.Fields, overture.Field{Location: field, Message: "is missing"})
		}
	}
	need("name", f.Name)
	need("sender", f.Sender)
	need("skill", f.Skill)
	need("text", f.Text)
	at := func(field, value string) *time.Time {
		if value == "" {
			return nil
		}
		t, err := time.Parse(time.RFC3339, value)
		if err != nil {
			wrong.Fields = append(wrong.Fields, overture.Field{Location: field, Message: "write date, time and zone as 2026-03-01T09:00:00Z or 2026-03-01T09:00:00+01:00"})
			return nil
		}
		return &t
	}
	launchAt := at("launch_at", f.LaunchAt)
	d.ExpiresAt = at("expires_at", f.ExpiresAt)
	var err error
	if d.Rails, err = f.Rails.wire(); err != nil {
		wrong.Fields = append(wrong.Fields, overture.Field{Location: "rails.spend", Message: "write an amount as 250 or 99.50"})
	}
	if f.Window != nil {
		d.Window = f.Window.wire()
	}
	if len(wrong.Fields) > 0 {
		return d, nil, wrong
	}
	return d, launchAt, nil
}

func (w *windowFile) wire() map[string]any {
	out := map[string]any{}
	days := map[string][]string{"mon": w.Mon, "tue": w.Tue, "wed": w.Wed, "thu": w.Thu, "fri": w.Fri, "sat": w.Sat, "sun": w.Sun}
	for day, hours := range days {
		if hours == nil {
			hours = w.EveryDay
		}
		if len(hours) > 0 {
			out[day] = hours
		}
	}
	if w.Holidays != nil {
		out["holidays"] = w.Holidays
	}
	return out
}

func plain(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
