// Package api is the door for programs and pages: the REST API v1, one file per resource, described at /openapi.json.
//
//	Does:   HTTP in and out; who may do what; limits; idempotency; errors as problem+json. No rules of the domain
//	Reads:  what the rooms give
//	Writes: idempotency records; everything else goes through the rooms
//	Wakes:  nobody
//
// # A request's way
//
//	request id, headers, log, recover (observe.go) → cross-origin check → route, or a problem for an unknown one (api.go)
//	→ who is it → rate limit → permission (guard.go) → idempotency (idempotency.go) → parse and validate → handler → answer
//
// # Adding a resource
//
// Write one file with its wire types, a small interface of what it needs from its room, and a method registerX; add one field to Deps and
// one line to routes. Every route is registered by [register] (JSON) or [API.handle] (streams) and must name a permission of
// internal/access as its second argument. Then run
//
//	go test ./internal/serve/api -run 'Authorization|OpenAPI' -update
//
// and review the two golden files: who may call the route, and how it reads to the outside.
//
// Wire types carry the json tags; what the server says to people is an overture.Sentence in them, and language.go says it in the caller's language. A
// new sentence needs its German in internal/serve/api/speech, or its test fails.
// In wire types every field is required unless it says omitempty or omitzero. Unknown fields and query parameters are
// refused. Ids are [ref], lists are [page]. Rooms' overture.Error values are returned as they are: problem.go turns them into
// problem+json by one table.
package api
