package api

import (
	"context"
	"net/http"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

// sessionRoom is what signing in and out needs of internal/access.
type sessionRoom interface {
	SignIn(ctx context.Context, email, password, clientAddress, requestID string) (token string, session overture.Session, err error)
	SignOut(ctx context.Context, who access.Identity) error
	ChangePassword(ctx context.Context, who access.Identity, old, replacement, clientAddress string) error
	User(ctx context.Context, account overture.AccountID, id overture.UserID) (access.Member, error)
	Account(ctx context.Context, id overture.AccountID) (overture.Account, error)
}

type meBody struct {
	User        *userBody `json:"user,omitempty" doc:"Absent for an API key"`
	APIKey      string    `json:"api_key,omitempty" doc:"Id of the API key that asks"`
	Account     nameBody  `json:"account"`
	Role        string    `json:"role,omitempty" doc:"Absent for an API key"`
	Permissions []string  `json:"permissions" doc:"What the asker may do; also the scopes of API keys"`
}

type nameBody struct {
	ID   accountRef `json:"id"`
	Name string     `json:"name"`
}

type signInInput struct {
	Body struct {
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" maxLength:"1000"`
	}
}

type sessionOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      meBody
}

type meOutput struct{ Body meBody }

type passwordInput struct {
	Body struct {
		Old string `json:"old_password" maxLength:"1000"`
		New string `json:"new_password" maxLength:"1000" doc:"At least 15 characters. Every session of the user ends, this one too"`
	}
}

type signOutOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (a *API) registerSession() {
	register(a, access.Public, operation{
		Method: "POST", Path: "/v1/session", Summary: "Sign in", Tag: "session", Status: 201,
		Description: "Sets the session cookie. The answer is the same for an unknown address and a wrong password.",
	}, a.signIn)
	register(a, access.Known, operation{Method: "GET", Path: "/v1/session", Summary: "Who am I, and what may I do", Tag: "session"}, a.me)
	register(a, access.SignedIn, operation{Method: "DELETE", Path: "/v1/session", Summary: "Sign out", Tag: "session"}, a.signOut)
	register(a, access.SignedIn, operation{Method: "PUT", Path: "/v1/session/password", Summary: "Change one's own password", Tag: "session"}, a.changePassword)
}

func (a *API) signIn(ctx context.Context, who access.Identity, in *signInInput) (*sessionOutput, error) {
	token, s, err := a.deps.Sessions.SignIn(ctx, in.Body.Email, in.Body.Password, exchangeOf(ctx).client, who.RequestID)
	if err != nil {
		return nil, err
	}
	return a.signedIn(ctx, token, s)
}

func (a *API) signedIn(ctx context.Context, token string, s overture.Session) (*sessionOutput, error) {
	me, err := a.describeMe(ctx, access.Identity{AccountID: s.User.AccountID, UserID: s.User.ID, Role: s.User.Role})
	if err != nil {
		return nil, err
	}
	return &sessionOutput{SetCookie: a.cookie(token, s.ExpiresAt), Body: me}, nil
}

func (a *API) me(ctx context.Context, who access.Identity, _ *struct{}) (*meOutput, error) {
	me, err := a.describeMe(ctx, who)
	return &meOutput{Body: me}, err
}

func (a *API) describeMe(ctx context.Context, who access.Identity) (meBody, error) {
	account, err := a.deps.Sessions.Account(ctx, who.AccountID)
	if err != nil {
		return meBody{}, err
	}
	me := meBody{Account: nameBody{ID: refTo(account.ID), Name: account.Name}, Role: string(who.Role), Permissions: []string{}}
	for _, p := range access.PermissionsOf(who) {
		me.Permissions = append(me.Permissions, string(p))
	}
	if who.KeyID != 0 {
		me.APIKey = who.KeyID.String()
		return me, nil
	}
	member, err := a.deps.Sessions.User(ctx, who.AccountID, who.UserID)
	if err != nil {
		return meBody{}, err
	}
	user := wireUser(member)
	me.User = &user
	return me, nil
}

func (a *API) signOut(ctx context.Context, who access.Identity, _ *struct{}) (*signOutOutput, error) {
	if err := a.deps.Sessions.SignOut(ctx, who); err != nil {
		return nil, err
	}
	return &signOutOutput{SetCookie: a.cookie("", time.Unix(1, 0))}, nil
}

func (a *API) changePassword(ctx context.Context, who access.Identity, in *passwordInput) (*signOutOutput, error) {
	if err := a.deps.Sessions.ChangePassword(ctx, who, in.Body.Old, in.Body.New, exchangeOf(ctx).client); err != nil {
		return nil, err
	}
	return &signOutOutput{SetCookie: a.cookie("", time.Unix(1, 0))}, nil
}

// SetSession gives the browser the cookie of a session that began elsewhere.
func (a *API) SetSession(w http.ResponseWriter, token string, expires time.Time) {
	c := a.cookie(token, expires)
	http.SetCookie(w, &c)
}

// cookie carries the session's token; in the past it takes the cookie away.
func (a *API) cookie(token string, expires time.Time) http.Cookie {
	//nolint:gosec // Secure only where the public URL is https: on plain http a browser would drop the cookie
	return http.Cookie{
		Name: SessionCookie, Value: token, Path: "/", Expires: expires, HttpOnly: true,
		Secure: isHTTPS(a.deps.PublicURL), SameSite: http.SameSiteLaxMode,
	}
}
