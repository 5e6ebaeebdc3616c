// Package access decides who may do what, and keeps what an administrator sets up: users, API keys, account settings, brands, skills, senders.
//
//	Does:   sign-in, sessions, API keys, roles and permissions; every privileged change, with its audit entry in the same transaction
//	Reads:  account, brand, app_user, session, api_key, skill, sender, audit
//	Writes: account, brand, app_user, agent_skill, session, api_key, skill, sender (but not a sender's health: dispatch stops it), audit
//	Wakes:  "session" when sessions end before their time
//
// Who may do what stands in one table, permission.go. A session lives until its end, until it is idle too long, or until the user's password
// or role changes or the user is disabled, whichever is first: that is decided from rows at every request, so it takes effect at once and on
// every node.
package access
