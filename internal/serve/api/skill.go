package api

import (
	"context"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

type skillBody struct {
	ID         skillRef  `json:"id"`
	Name       string    `json:"name"`
	ArchivedAt time.Time `json:"archived_at,omitzero" doc:"Since when nothing new goes to it"`
}

func wireSkill(k overture.Skill) skillBody {
	return skillBody{ID: refTo(k.ID), Name: k.Name, ArchivedAt: k.ArchivedAt}
}

type listSkillsInput struct {
	Paged
	Search   string `query:"q" maxLength:"200" doc:"Part of the name"`
	Archived bool   `query:"archived" doc:"Archived ones too"`
}

type createSkillInput struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"200"`
	}
}

type updateSkillInput struct {
	Skill skillRef `path:"skill"`
	Body  struct {
		Name     *string `json:"name,omitempty" minLength:"1" maxLength:"200"`
		Archived *bool   `json:"archived,omitempty" doc:"true: no new campaigns, transfers and defaults; what goes to it now goes on"`
	}
}

type skillOutput struct{ Body skillBody }

type skillsOutput struct{ Body page[skillBody] }

func (a *API) registerSkills() {
	register(a, access.SkillsRead, operation{Method: "GET", Path: "/v1/skills", Summary: "List or search skills", Tag: "account"}, a.listSkills)
	register(a, access.SkillsWrite, operation{Method: "POST", Path: "/v1/skills", Summary: "Create a skill", Tag: "account", Status: 201}, a.createSkill)
	register(a, access.SkillsWrite, operation{
		Method: "PATCH", Path: "/v1/skills/{skill}", Summary: "Rename a skill, archive it, bring it back", Tag: "account",
		Description: "The account's default skill cannot be archived: 409 `skill_is_default`.",
	}, a.updateSkill)
}

func (a *API) listSkills(ctx context.Context, who access.Identity, in *listSkillsInput) (*skillsOutput, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	skills, err := a.deps.Accounts.Skills(ctx, overture.SkillFilter{
		AccountID: who.AccountID, Search: in.Search, Archived: in.Archived, After: overture.SkillID(after), Limit: in.limit() + 1,
	})
	if err != nil {
		return nil, err
	}
	return &skillsOutput{Body: pageOf(skills, in.limit(), wireSkill, func(k overture.Skill) int64 { return int64(k.ID) })}, nil
}

func (a *API) createSkill(ctx context.Context, who access.Identity, in *createSkillInput) (*skillOutput, error) {
	k, err := a.deps.Accounts.CreateSkill(ctx, who.Actor(), in.Body.Name)
	if err != nil {
		return nil, err
	}
	return &skillOutput{Body: wireSkill(k)}, nil
}

func (a *API) updateSkill(ctx context.Context, who access.Identity, in *updateSkillInput) (*skillOutput, error) {
	k, err := a.deps.Accounts.UpdateSkill(ctx, who.Actor(), in.Skill.ID, access.SkillChange{Name: in.Body.Name, Archived: in.Body.Archived})
	if err != nil {
		return nil, err
	}
	return &skillOutput{Body: wireSkill(k)}, nil
}
