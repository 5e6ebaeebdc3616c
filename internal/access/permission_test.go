package access_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

func user(role overture.Role) access.Identity {
	return access.Identity{AccountID: 1, UserID: 2, Role: role}
}

func key(scopes ...access.Permission) access.Identity {
	return access.Identity{AccountID: 1, KeyID: 3, Scopes: scopes}
}

// A1: agents and agent managers do not see the proactive tool at all.
func TestProactiveToolIsForManagersOnly(t *testing.T) {
	t.Parallel()
	tool := slices.DeleteFunc(access.Permissions(), func(p access.Permission) bool {
		for _, area := range []string{"campaigns:", "recipients:", "messages:", "figures:", "opt_outs:", "senders:", "brands:", "prices:"} {
			if strings.HasPrefix(string(p), area) {
				return false
			}
		}
		return true
	})
	if len(tool) < 10 {
		t.Fatalf("only %v belong to the tool", tool)
	}
	for _, p := range tool {
		if !access.Allows(user(overture.Administrator), p) {
			t.Errorf("an administrator may not %s", p)
		}
		for _, role := range []overture.Role{overture.AgentManager, overture.AgentRole} {
			if access.Allows(user(role), p) {
				t.Errorf("%s may %s", role, p)
			}
		}
	}
	for _, p := range []access.Permission{access.ConversationsOwn, access.ConversationsAll} {
		if access.Allows(user(overture.CampaignManager), p) {
			t.Errorf("a campaign manager may %s", p)
		}
	}
}

func TestAllows(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		who  access.Identity
		p    access.Permission
		want bool
	}{
		"nobody":                             {access.Identity{}, access.SkillsRead, false},
		"nobody, though with a role":         {access.Identity{Role: overture.Administrator}, access.SkillsRead, false},
		"nobody signs in":                    {access.Identity{}, access.Public, true},
		"unknown role":                       {user("owner"), access.SkillsRead, false},
		"no role":                            {user(""), access.SignedIn, false},
		"unknown permission":                 {user(overture.Administrator), "everything", false},
		"empty permission":                   {user(overture.Administrator), "", false},
		"key with scope":                     {key(access.SkillsRead), access.SkillsRead, true},
		"key without scope":                  {key(access.SkillsRead), access.SkillsWrite, false},
		"key is no person":                   {key(access.SignedIn), access.SignedIn, false},
		"key asks who it is":                 {key(), access.Known, true},
		"key cannot make users":              {key(access.UsersWrite), access.UsersWrite, false},
		"key cannot make keys":               {key(access.KeysWrite), access.KeysWrite, false},
		"all conversations include one's":    {key(access.ConversationsAll), access.ConversationsOwn, true},
		"one's conversations are not all":    {key(access.ConversationsOwn), access.ConversationsAll, false},
		"a role does not widen a key":        {access.Identity{AccountID: 1, KeyID: 3, Role: overture.Administrator}, access.SkillsRead, false},
		"agent":                              {user(overture.AgentRole), access.ConversationsOwn, true},
		"agent does not see all":             {user(overture.AgentRole), access.ConversationsAll, false},
		"agent manager sees all":             {user(overture.AgentManager), access.ConversationsAll, true},
		"campaign manager writes no senders": {user(overture.CampaignManager), access.SendersWrite, false},
	} {
		if got := access.Allows(tt.who, tt.p); got != tt.want {
			t.Errorf("%s: Allows = %v, want %v", name, got, tt.want)
		}
	}
}

func TestScopesAreASubset(t *testing.T) {
	t.Parallel()
	scopes := access.Scopes()
	for _, s := range scopes {
		if !slices.Contains(access.Permissions(), s) || !access.Allows(key(s), s) {
			t.Errorf("scope %s is no permission a key can hold", s)
		}
	}
	for _, p := range access.Permissions() {
		if !slices.Contains(scopes, p) && access.Allows(key(p), p) {
			t.Errorf("%s is no scope and yet a key can hold it", p)
		}
	}
}
