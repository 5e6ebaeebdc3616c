package access

import (
	"context"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/overture-im/overture"
)

// UserStore keeps users.
type UserStore interface {
	CreateUser(ctx context.Context, by overture.Actor, u overture.User, passwordHash string, skills []overture.SkillID) error
	User(ctx context.Context, account overture.AccountID, id overture.UserID) (overture.User, error)
	Users(ctx context.Context, account overture.AccountID, after overture.UserID, limit int) ([]overture.User, error)
	UserSkills(ctx context.Context, account overture.AccountID, users []overture.UserID) (map[overture.UserID][]overture.SkillID, error)
	UpdateUser(ctx context.Context, by overture.Actor, id overture.UserID, now time.Time, skills *[]overture.SkillID, change func(*overture.User) (string, error)) (overture.User, error)
	PasswordHash(ctx context.Context, account overture.AccountID, id overture.UserID) (string, error)
	SetPassword(ctx context.Context, by overture.Actor, id overture.UserID, passwordHash string, now time.Time) error
}

// Member is a user with the skills conversations are routed by.
type Member struct {
	overture.User
	Skills []overture.SkillID
}

// NewUser is what an administrator says about a user to create.
type NewUser struct {
	Email, Name, Password string
	Role                  overture.Role
	Skills                []overture.SkillID
}

// UserChange changes what is not nil.
type UserChange struct {
	Name     *string
	Role     *overture.Role
	Disabled *bool
	Skills   *[]overture.SkillID
	Password *string // a new password; ends the user's sessions
}

const maxSkills = 200 // of one user

// CreateUser adds a user to the account.
func (c *Control) CreateUser(ctx context.Context, by overture.Actor, n NewUser) (Member, error) {
	user, hash, err := c.prepareUser(ctx, n)
	if err != nil {
		return Member{}, err
	}
	user.AccountID = by.AccountID
	if err := c.store.CreateUser(ctx, by, user, hash, n.Skills); err != nil {
		return Member{}, fmt.Errorf("create user: %w", err)
	}
	return Member{User: user, Skills: n.Skills}, nil
}

// prepareUser checks the input and hashes the password, before any transaction.
func (c *Control) prepareUser(ctx context.Context, n NewUser) (overture.User, string, error) {
	email := normalEmail(n.Email)
	if parsed, err := mail.ParseAddress(email); err != nil || parsed.Address != email || len(email) > 254 {
		return overture.User{}, "", invalid("bad_email", "body.email", "this is not an e-mail address; write it as name@example.com")
	}
	if err := checkName("body.name", n.Name); err != nil {
		return overture.User{}, "", err
	}
	if !n.Role.Valid() {
		return overture.User{}, "", errRole()
	}
	if len(n.Skills) > maxSkills {
		return overture.User{}, "", errTooManySkills()
	}
	if err := checkPassword("body.password", n.Password, email); err != nil {
		return overture.User{}, "", err
	}
	hash, err := c.hasher.hash(ctx, n.Password)
	if err != nil {
		return overture.User{}, "", fmt.Errorf("create user: %w", err)
	}
	return overture.User{ID: overture.UserID(c.store.NewID()), Email: email, Name: strings.TrimSpace(n.Name), Role: n.Role, CreatedAt: time.Now()}, hash, nil
}

// UpdateUser changes a user. A new role, a new password or disabling ends the user's sessions.
func (c *Control) UpdateUser(ctx context.Context, by overture.Actor, id overture.UserID, change UserChange) (Member, error) {
	if change.Role != nil && !change.Role.Valid() {
		return Member{}, errRole()
	}
	if change.Name != nil {
		if err := checkName("body.name", *change.Name); err != nil {
			return Member{}, err
		}
	}
	if change.Skills != nil && len(*change.Skills) > maxSkills {
		return Member{}, errTooManySkills()
	}
	var user overture.User
	if change.Password != nil {
		var err error
		if user, err = c.store.User(ctx, by.AccountID, id); err != nil {
			return Member{}, fmt.Errorf("update user: %w", err)
		}
		if err := checkPassword("body.password", *change.Password, user.Email); err != nil {
			return Member{}, err
		}
	}
	if _, err := c.store.UpdateUser(ctx, by, id, time.Now(), change.Skills, change.apply); err != nil {
		return Member{}, fmt.Errorf("update user: %w", err)
	}
	if change.Role != nil || change.Disabled != nil {
		c.sessionsEnded()
	}
	if change.Password != nil {
		if err := c.setPassword(ctx, by, user, *change.Password, "body.password"); err != nil {
			return Member{}, err
		}
	}
	return c.User(ctx, by.AccountID, id)
}

// apply makes the change and names what it did.
func (ch UserChange) apply(u *overture.User) (string, error) {
	var changed []string
	if ch.Name != nil && strings.TrimSpace(*ch.Name) != u.Name {
		u.Name = strings.TrimSpace(*ch.Name)
		changed = append(changed, "name")
	}
	if ch.Role != nil && *ch.Role != u.Role {
		changed = append(changed, fmt.Sprintf("role %s → %s", u.Role, *ch.Role))
		u.Role = *ch.Role
	}
	if ch.Disabled != nil && *ch.Disabled != u.Disabled {
		u.Disabled = *ch.Disabled
		changed = append(changed, map[bool]string{true: "disabled", false: "enabled"}[u.Disabled])
	}
	if ch.Skills != nil {
		changed = append(changed, "skills")
	}
	return strings.Join(changed, ", "), nil
}

// User gives one user of the account.
func (c *Control) User(ctx context.Context, account overture.AccountID, id overture.UserID) (Member, error) {
	u, err := c.store.User(ctx, account, id)
	if err != nil {
		return Member{}, fmt.Errorf("user: %w", err)
	}
	skills, err := c.store.UserSkills(ctx, account, []overture.UserID{id})
	if err != nil {
		return Member{}, fmt.Errorf("user: %w", err)
	}
	return Member{User: u, Skills: skills[id]}, nil
}

// Users lists the account's users.
func (c *Control) Users(ctx context.Context, account overture.AccountID, after overture.UserID, limit int) ([]Member, error) {
	users, err := c.store.Users(ctx, account, after, limit)
	if err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	ids := make([]overture.UserID, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	skills, err := c.store.UserSkills(ctx, account, ids)
	if err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	members := make([]Member, len(users))
	for i, u := range users {
		members[i] = Member{User: u, Skills: skills[u.ID]}
	}
	return members, nil
}

func errRole() error {
	return invalid("unknown_role", "body.role", "a role is administrator, campaign_manager, agent_manager or agent")
}

func errTooManySkills() error {
	return invalid("too_many_skills", "body.skills", fmt.Sprintf("a user has at most %d skills", maxSkills))
}
