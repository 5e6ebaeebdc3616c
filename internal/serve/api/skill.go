package api

import (
	"context"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

type skillBody struct {
	ID   skillRef `json:"id"`
	Name string   `json:"name"`
}

func wireSkill(k overture.Skill) skillBody { return skillBody{ID: refTo(k.ID), Name: k.Name} }

type listSkillsInput struct {
	Paged
	Search string `query:"q" maxLength:"200" doc:"Part of the name"`
}

type createSkillInput struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"200"`
	}
}

type skillOutput struct{ Body skillBody }

type skillsOutput struct{ Body page[skillBody] }

func (a *API) registerSkills() {
	register(a, access.SkillsRead, operation{Method: "GET", Path: "/v1/skills", Summary: "List or search skills", Tag: "account"}, a.listSkills)
	register(a, access.SkillsWrite, operation{Method: "POST", Path: "/v1/skills", Summary: "Create a skill", Tag: "account", Status: 201}, a.createSkill)
}

func (a *API) listSkills(ctx context.Context, who access.Identity, in *listSkillsInput) (*skillsOutput, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	skills, err := a.deps.Accounts.Skills(ctx, who.AccountID, in.Search, overture.SkillID(after), in.limit()+1)
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
