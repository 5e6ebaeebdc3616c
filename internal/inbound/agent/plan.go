package agent

import (
	"slices"
	"time"

	"github.com/overture-im/overture"
)

// Plan gives waiting conversations, oldest first as listed, to agents of one account who have the skill and room: the least loaded one,
// and among equals the one who has waited longest for a conversation. It changes nothing; the store decides who wins.
func Plan(account overture.AccountID, waiting []overture.WaitingConversation, agents []overture.Agent, now time.Time) []overture.Assignment {
	agents = slices.Clone(agents)
	var plan []overture.Assignment
	for _, w := range waiting {
		best := -1
		for i, a := range agents {
			if takes(a, w) && (best < 0 || sooner(a, agents[best])) {
				best = i
			}
		}
		if best < 0 {
			continue
		}
		agents[best].Open++
		agents[best].AssignedAt = now
		plan = append(plan, overture.Assignment{AccountID: account, ConversationID: w.ConversationID, AgentID: agents[best].UserID, SkillID: w.SkillID})
	}
	return plan
}

func takes(a overture.Agent, w overture.WaitingConversation) bool {
	return a.Available && a.Open < a.Capacity && (w.SkillID == 0 || slices.Contains(a.Skills, w.SkillID))
}

func sooner(a, b overture.Agent) bool {
	if a.Open != b.Open {
		return a.Open < b.Open
	}
	if !a.AssignedAt.Equal(b.AssignedAt) {
		return a.AssignedAt.Before(b.AssignedAt)
	}
	return a.UserID < b.UserID
}
