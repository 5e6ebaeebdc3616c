package api

import (
	"context"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
	"github.com/overture-im/overture/internal/inbound/agent"
)

// agentRoom is what this resource needs of internal/inbound/agent.
type agentRoom interface {
	List(ctx context.Context, account overture.AccountID, after overture.UserID, limit int) ([]overture.Agent, error)
	Agent(ctx context.Context, account overture.AccountID, user overture.UserID) (overture.Agent, error)
	SetPresence(ctx context.Context, account overture.AccountID, user overture.UserID, p agent.Presence) (overture.Agent, error)
}

type agentBody struct {
	User      userRef    `json:"user"`
	Name      string     `json:"name"`
	Role      string     `json:"role" enum:"administrator,agent_manager,agent"`
	Available bool       `json:"available" doc:"Waiting conversations are assigned to available agents only"`
	Capacity  int        `json:"capacity" doc:"Open conversations at once"`
	Open      int        `json:"open" doc:"Open conversations now"`
	Skills    []skillRef `json:"skills"`
}

func wireAgent(a overture.Agent) agentBody {
	return agentBody{User: refTo(a.UserID), Name: a.Name, Role: string(a.Role), Available: a.Available, Capacity: a.Capacity, Open: a.Open, Skills: refs(a.Skills)}
}

type presenceInput struct {
	Body struct {
		Available bool `json:"available"`
		Capacity  int  `json:"capacity,omitempty" minimum:"1" maximum:"100" doc:"Left out: as before"`
	}
}

type agentOutput struct{ Body agentBody }

type agentsOutput struct{ Body page[agentBody] }

func (a *API) registerAgents() {
	register(a, access.AgentsRead, operation{Method: "GET", Path: "/v1/agents", Summary: "List agents with presence and load", Tag: "conversations"}, a.listAgents)
	register(a, access.AgentSelf, operation{Method: "GET", Path: "/v1/agents/me", Summary: "Get the own presence and capacity", Tag: "conversations"}, a.getPresence)
	register(a, access.AgentSelf, operation{
		Method: "PUT", Path: "/v1/agents/me", Summary: "Set the own presence and capacity", Tag: "conversations",
		Description: "Who becomes unavailable keeps the conversations at hand.",
	}, a.setPresence)
}

func (a *API) listAgents(ctx context.Context, who access.Identity, in *Paged) (*agentsOutput, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	agents, err := a.deps.Agents.List(ctx, who.AccountID, overture.UserID(after), in.limit()+1)
	if err != nil {
		return nil, err
	}
	return &agentsOutput{Body: pageOf(agents, in.limit(), wireAgent, func(g overture.Agent) int64 { return int64(g.UserID) })}, nil
}

func (a *API) getPresence(ctx context.Context, who access.Identity, _ *struct{}) (*agentOutput, error) {
	g, err := a.deps.Agents.Agent(ctx, who.AccountID, who.UserID)
	if err != nil {
		return nil, err
	}
	return &agentOutput{Body: wireAgent(g)}, nil
}

func (a *API) setPresence(ctx context.Context, who access.Identity, in *presenceInput) (*agentOutput, error) {
	g, err := a.deps.Agents.SetPresence(ctx, who.AccountID, who.UserID, agent.Presence{Available: in.Body.Available, Capacity: in.Body.Capacity})
	if err != nil {
		return nil, err
	}
	return &agentOutput{Body: wireAgent(g)}, nil
}
