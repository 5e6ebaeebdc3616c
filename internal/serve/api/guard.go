package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

// door is what the guard needs of internal/access: who holds this token or key?
type door interface {
	Session(ctx context.Context, token string) (access.Identity, error)
	Key(ctx context.Context, secret string) (access.Identity, error)
}

// SessionCookie is the name of the cookie that a sign-in sets.
const SessionCookie = "overture_session"

type guarded func(w http.ResponseWriter, r *http.Request, who access.Identity)

// guard stands before every route: who is it, not too often, may they, and was this request answered before.
func (a *API) guard(rt Route, w http.ResponseWriter, r *http.Request, next guarded) {
	x := exchangeOf(r.Context())
	x.route, x.subject = rt.Path, subjectOf(rt.Path, r)
	who, err := a.identify(r)
	known := err == nil
	if known {
		who.RequestID = x.requestID
		x.who = who
	}
	caller, limit := "ip:"+x.client, a.limits.PerAddress
	switch {
	case known && who.KeyID != 0:
		caller, limit = who.KeyID.String(), a.limits.PerCaller
	case known && rt.Permission != access.Public:
		caller, limit = who.SessionID.String(), a.limits.PerCaller
	}
	if !a.admit(w, r, caller, limit) {
		return
	}
	if rt.Permission == access.Public {
		next(w, r, access.Identity{RequestID: x.requestID})
		return
	}
	if !known {
		if overture.KindOf(err) == overture.Unauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="overture"`)
		}
		a.fail(w, r, err)
		return
	}
	if !access.Allows(who, rt.Permission) {
		a.deny(w, r, forbidden(who, rt.Permission))
		return
	}
	if rt.idempotent() && r.Header.Get(idempotencyHeader) != "" {
		a.once(rt, w, r, who, next)
		return
	}
	next(w, r, who)
}

// identify reads the key or the session of the request. A request that brings both is judged by its key alone.
func (a *API) identify(r *http.Request) (access.Identity, error) {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, secret, _ := strings.Cut(h, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return access.Identity{}, errNobody("send the API key as Authorization: Bearer ovk_…")
		}
		return a.deps.Door.Key(r.Context(), strings.TrimSpace(secret)) //nolint:wrapcheck // the room's words are for the caller
	}
	c, err := r.Cookie(SessionCookie)
	if err != nil {
		return access.Identity{}, errNobody("sign in, or send an API key as Authorization: Bearer ovk_…")
	}
	return a.deps.Door.Session(r.Context(), c.Value) //nolint:wrapcheck // the room's words are for the caller
}

func errNobody(message string) error {
	return &overture.Error{Kind: overture.Unauthorized, Code: "not_signed_in", Message: message}
}

func forbidden(who access.Identity, p access.Permission) *problem {
	detail := "your role does not include " + string(p) + "; ask an administrator"
	if who.KeyID != 0 {
		detail = "this API key does not have the scope " + string(p) + "; make a key that has it"
		if p == access.SignedIn {
			detail = "this route is for people who sign in; an API key cannot use it"
		}
	}
	return &problem{Status: http.StatusForbidden, Code: "forbidden", Detail: detail}
}

func clipLocation(where string) string {
	if len(where) <= maxLocation {
		return where
	}
	return strings.ToValidUTF8(where[:maxLocation], "") + "…"
}
