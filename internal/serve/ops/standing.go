package ops

import "context"

// Standing is one check and how it stands.
type Standing struct {
	Check
	OK bool
}

// Standings tells how the checks stand, at most a second old, and whether the server should get traffic.
func (o *Ops) Standings(ctx context.Context) (ready bool, all []Standing) {
	ready = !o.stopping.Load()
	for _, r := range o.ask(ctx) {
		all = append(all, Standing{Check: r.check, OK: r.err == nil})
		ready = ready && r.err == nil
	}
	return ready, all
}
