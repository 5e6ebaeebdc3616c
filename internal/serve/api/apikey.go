package api

import (
	"context"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

// keyRoom is what this resource needs of internal/access.
type keyRoom interface {
	CreateKey(ctx context.Context, who access.Identity, name string, scopes []access.Permission, expires time.Time) (overture.APIKey, overture.Secret, error)
	APIKeys(ctx context.Context, account overture.AccountID, after overture.APIKeyID, limit int) ([]overture.APIKey, error)
	RevokeKey(ctx context.Context, by overture.Actor, id overture.APIKeyID) error
}

type apiKeyBody struct {
	ID         apiKeyRef `json:"id"`
	Name       string    `json:"name"`
	Prefix     string    `json:"prefix" doc:"How the key begins, to recognise it by"`
	Scopes     []string  `json:"scopes"`
	CreatedBy  userRef   `json:"created_by"`
	CreatedAt  time.Time `json:"created_at"`
	ExpiresAt  time.Time `json:"expires_at,omitzero"`
	RevokedAt  time.Time `json:"revoked_at,omitzero"`
	LastUsedAt time.Time `json:"last_used_at,omitzero" doc:"To the minute"`
	Secret     string    `json:"secret,omitempty" doc:"The key itself; only in the answer that makes it"`
}

func wireKey(k overture.APIKey) apiKeyBody {
	return apiKeyBody{
		ID: refTo(k.ID), Name: k.Name, Prefix: k.Prefix, Scopes: k.Scopes, CreatedBy: refTo(k.CreatedBy),
		CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt, LastUsedAt: k.LastUsedAt,
	}
}

type createKeyInput struct {
	Body struct {
		Name      string    `json:"name" minLength:"1" maxLength:"200"`
		Scopes    []string  `json:"scopes" minItems:"1" maxItems:"50" doc:"Permissions, such as campaigns:read"`
		ExpiresAt time.Time `json:"expires_at,omitzero"`
	}
}

type keyInput struct {
	Key apiKeyRef `path:"key"`
}

type apiKeyOutput struct{ Body apiKeyBody }

type scopesOutput struct {
	Body struct {
		Items []string `json:"items" doc:"Those that the asker has: a key cannot have more than its maker"`
	}
}

type apiKeysOutput struct{ Body page[apiKeyBody] }

func (a *API) registerKeys() {
	register(a, access.KeysRead, operation{Method: "GET", Path: "/v1/api-keys", Summary: "List API keys", Tag: "api keys"}, a.listKeys)
	register(a, access.KeysRead, operation{Method: "GET", Path: "/v1/api-keys/scopes", Summary: "List the scopes a key can have", Tag: "api keys"}, a.listScopes)
	register(a, access.KeysWrite, operation{Method: "POST", Path: "/v1/api-keys", Summary: "Make an API key", Tag: "api keys", Status: 201}, a.createKey)
	register(a, access.KeysWrite, operation{Method: "DELETE", Path: "/v1/api-keys/{key}", Summary: "Revoke an API key at once", Tag: "api keys"}, a.revokeKey)
}

func (a *API) listKeys(ctx context.Context, who access.Identity, in *Paged) (*apiKeysOutput, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	keys, err := a.deps.Keys.APIKeys(ctx, who.AccountID, overture.APIKeyID(after), in.limit()+1)
	if err != nil {
		return nil, err
	}
	return &apiKeysOutput{Body: pageOf(keys, in.limit(), wireKey, func(k overture.APIKey) int64 { return int64(k.ID) })}, nil
}

func (a *API) listScopes(_ context.Context, who access.Identity, _ *struct{}) (*scopesOutput, error) {
	out := &scopesOutput{}
	out.Body.Items = []string{}
	for _, s := range access.Scopes() {
		if access.Allows(who, s) {
			out.Body.Items = append(out.Body.Items, string(s))
		}
	}
	return out, nil
}

func (a *API) createKey(ctx context.Context, who access.Identity, in *createKeyInput) (*apiKeyOutput, error) {
	var scopes []access.Permission
	for _, s := range in.Body.Scopes {
		scopes = append(scopes, access.Permission(s))
	}
	k, secret, err := a.deps.Keys.CreateKey(ctx, who, in.Body.Name, scopes, in.Body.ExpiresAt)
	if err != nil {
		return nil, err
	}
	body := wireKey(k)
	body.Secret = secret.Reveal()
	return &apiKeyOutput{Body: body}, nil
}

func (a *API) revokeKey(ctx context.Context, who access.Identity, in *keyInput) (*noContent, error) {
	return nil, a.deps.Keys.RevokeKey(ctx, who.Actor(), in.Key.ID)
}
