package simulator

import (
	"context"
	"sync"

	"github.com/overture-im/overture/internal/kit/mutant"
)

// Caught says which seed shows that a mutant breaks a promise.
type Caught struct {
	Name   mutant.Name
	Caught bool
	Seed   uint64
	Mode   string
	Broken Violation
}

// Hunt leaves one rule out and looks for the first seeds that show it, at most so many. It needs a binary that is built with the mutants.
// Perfect and full runs take turns, so a seed is the run's number.
func Hunt(ctx context.Context, name mutant.Name, seeds, workers int) Caught {
	mutant.Use(name)
	defer mutant.Use("")
	found := Caught{Name: name}
	var mu sync.Mutex
	Batch{Seeds: seeds, Workers: workers, Stop: true}.Play(ctx, func(seed uint64, sc Scenario, out Outcome) {
		mu.Lock()
		defer mu.Unlock()
		if !found.Caught || seed < found.Seed {
			found = Caught{Name: name, Caught: true, Seed: seed, Mode: sc.Mode, Broken: out.Broken[0]}
		}
	})
	return found
}
