package api

import (
	"context"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

// setupRoom is what the first minute of a server needs of internal/access.
type setupRoom interface {
	NeedsSetup(ctx context.Context) (bool, error)
	SetUp(ctx context.Context, code string, b access.Beginning, clientAddress, requestID string) (token string, session overture.Session, err error)
}

// Product is what everybody may know about the server.
type Product struct {
	Version      string
	Lab          bool
	SingleSignOn string // name of the identity provider; empty: none
}

type serverBody struct {
	SetupNeeded  bool   `json:"setup_needed" doc:"There is no account yet: POST /v1/server/setup makes the first one"`
	Lab          bool   `json:"lab" doc:"A carrier lab stands in for the provider: nothing leaves this machine"`
	SingleSignOn string `json:"single_sign_on,omitempty" doc:"Name of the identity provider behind GET /v1/session/oidc; absent if there is none"`
	Version      string `json:"version"`
}

type serverOutput struct{ Body serverBody }

type setupInput struct {
	Body struct {
		Code     string `json:"code" maxLength:"100" doc:"Printed by the server when it started"`
		Account  string `json:"account" maxLength:"200"`
		Brand    string `json:"brand,omitempty" maxLength:"200" doc:"Default: like the account"`
		Name     string `json:"name" maxLength:"200" doc:"Of the first administrator"`
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" maxLength:"1000" doc:"At least 15 characters"`
	}
}

func (a *API) registerServer() {
	register(a, access.Public, operation{
		Method: "GET", Path: "/v1/server", Summary: "What a page must know before anybody signs in", Tag: "server",
	}, a.server)
	register(a, access.Public, operation{
		Method: "POST", Path: "/v1/server/setup", Summary: "Make the first account, brand and administrator, and sign in", Tag: "server", Status: 201,
		Description: "Asks for the code that the server prints at its start. Once there is an account it answers 409 `already_set_up`, for ever. Throttled like sign-in.",
	}, a.setUp)
}

func (a *API) server(ctx context.Context, _ access.Identity, _ *struct{}) (*serverOutput, error) {
	needed, err := a.deps.Setup.NeedsSetup(ctx)
	if err != nil {
		return nil, err
	}
	p := a.deps.Product
	return &serverOutput{Body: serverBody{SetupNeeded: needed, Lab: p.Lab, SingleSignOn: p.SingleSignOn, Version: p.Version}}, nil
}

func (a *API) setUp(ctx context.Context, who access.Identity, in *setupInput) (*sessionOutput, error) {
	b := in.Body
	token, s, err := a.deps.Setup.SetUp(ctx, b.Code, access.Beginning{Account: b.Account, Brand: b.Brand, Name: b.Name, Email: b.Email, Password: b.Password},
		exchangeOf(ctx).client, who.RequestID)
	if err != nil {
		return nil, err
	}
	return a.signedIn(ctx, token, s)
}
