package api

import (
	"context"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

// userRoom is what this resource needs of internal/access.
type userRoom interface {
	CreateUser(ctx context.Context, by overture.Actor, n access.NewUser) (access.Member, error)
	UpdateUser(ctx context.Context, by overture.Actor, id overture.UserID, change access.UserChange) (access.Member, error)
	User(ctx context.Context, account overture.AccountID, id overture.UserID) (access.Member, error)
	Users(ctx context.Context, account overture.AccountID, after overture.UserID, limit int) ([]access.Member, error)
}

type userBody struct {
	ID        userRef    `json:"id"`
	Email     string     `json:"email"`
	Name      string     `json:"name"`
	Role      string     `json:"role" enum:"administrator,campaign_manager,agent_manager,agent"`
	Disabled  bool       `json:"disabled"`
	Skills    []skillRef `json:"skills" doc:"Conversations of these skills are routed to the user"`
	CreatedAt time.Time  `json:"created_at"`
}

func wireUser(m access.Member) userBody {
	return userBody{ID: refTo(m.ID), Email: m.Email, Name: m.Name, Role: string(m.Role), Disabled: m.Disabled, Skills: refs(m.Skills), CreatedAt: m.CreatedAt}
}

type userInput struct {
	User userRef `path:"user"`
}

type createUserInput struct {
	Body struct {
		Email    string     `json:"email" maxLength:"254"`
		Name     string     `json:"name" minLength:"1" maxLength:"200"`
		Role     string     `json:"role" enum:"administrator,campaign_manager,agent_manager,agent"`
		Password string     `json:"password" maxLength:"1000" doc:"At least 15 characters"`
		Skills   []skillRef `json:"skills,omitempty" maxItems:"200"`
	}
}

type updateUserInput struct {
	User userRef `path:"user"`
	Body struct {
		Name     *string     `json:"name,omitempty" minLength:"1" maxLength:"200"`
		Role     *string     `json:"role,omitempty" enum:"administrator,campaign_manager,agent_manager,agent" doc:"Ends the user's sessions"`
		Disabled *bool       `json:"disabled,omitempty" doc:"true ends the user's sessions"`
		Skills   *[]skillRef `json:"skills,omitempty" maxItems:"200" doc:"Replaces all skills"`
		Password *string     `json:"password,omitempty" maxLength:"1000" doc:"A new password; ends the user's sessions"`
	}
}

type userOutput struct{ Body userBody }

type usersOutput struct{ Body page[userBody] }

type roleBody struct {
	Role        string   `json:"role" enum:"administrator,campaign_manager,agent_manager,agent"`
	Permissions []string `json:"permissions" doc:"What a user with this role may do"`
}

type rolesOutput struct {
	Body struct {
		Items []roleBody `json:"items"`
	}
}

func (a *API) registerUsers() {
	register(a, access.UsersRead, operation{Method: "GET", Path: "/v1/roles", Summary: "List roles with what each may do", Tag: "users"}, a.listRoles)
	register(a, access.UsersRead, operation{Method: "GET", Path: "/v1/users", Summary: "List users", Tag: "users"}, a.listUsers)
	register(a, access.UsersWrite, operation{Method: "POST", Path: "/v1/users", Summary: "Create a user", Tag: "users", Status: 201}, a.createUser)
	register(a, access.UsersRead, operation{Method: "GET", Path: "/v1/users/{user}", Summary: "Get a user", Tag: "users"}, a.getUser)
	register(a, access.UsersWrite, operation{Method: "PATCH", Path: "/v1/users/{user}", Summary: "Change a user", Tag: "users"}, a.updateUser)
}

func (a *API) listRoles(_ context.Context, who access.Identity, _ *struct{}) (*rolesOutput, error) {
	out := &rolesOutput{}
	for _, role := range overture.Roles() {
		b := roleBody{Role: string(role), Permissions: []string{}}
		for _, p := range access.PermissionsOf(access.Identity{AccountID: who.AccountID, UserID: who.UserID, Role: role}) {
			b.Permissions = append(b.Permissions, string(p))
		}
		out.Body.Items = append(out.Body.Items, b)
	}
	return out, nil
}

func (a *API) listUsers(ctx context.Context, who access.Identity, in *Paged) (*usersOutput, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	members, err := a.deps.Users.Users(ctx, who.AccountID, overture.UserID(after), in.limit()+1)
	if err != nil {
		return nil, err
	}
	return &usersOutput{Body: pageOf(members, in.limit(), wireUser, func(m access.Member) int64 { return int64(m.ID) })}, nil
}

func (a *API) createUser(ctx context.Context, who access.Identity, in *createUserInput) (*userOutput, error) {
	m, err := a.deps.Users.CreateUser(ctx, who.Actor(), access.NewUser{
		Email: in.Body.Email, Name: in.Body.Name, Password: in.Body.Password, Role: overture.Role(in.Body.Role), Skills: idsOf(in.Body.Skills),
	})
	if err != nil {
		return nil, err
	}
	return &userOutput{Body: wireUser(m)}, nil
}

func (a *API) getUser(ctx context.Context, who access.Identity, in *userInput) (*userOutput, error) {
	m, err := a.deps.Users.User(ctx, who.AccountID, in.User.ID)
	if err != nil {
		return nil, err
	}
	return &userOutput{Body: wireUser(m)}, nil
}

func (a *API) updateUser(ctx context.Context, who access.Identity, in *updateUserInput) (*userOutput, error) {
	change := access.UserChange{Name: in.Body.Name, Disabled: in.Body.Disabled, Password: in.Body.Password}
	if in.Body.Role != nil {
		role := overture.Role(*in.Body.Role)
		change.Role = &role
	}
	if in.Body.Skills != nil {
		skills := idsOf(*in.Body.Skills)
		change.Skills = &skills
	}
	m, err := a.deps.Users.UpdateUser(ctx, who.Actor(), in.User.ID, change)
	if err != nil {
		return nil, err
	}
	return &userOutput{Body: wireUser(m)}, nil
}
