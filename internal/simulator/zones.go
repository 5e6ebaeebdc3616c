package simulator

import (
	"sync"
	"time"

	"github.com/overture-im/overture/internal/kit/tz"
)

var (
	places     = map[string]*time.Location{}
	placesLock sync.RWMutex
)

// location is a zone by name, from the program's own data.
func location(name string) *time.Location {
	placesLock.RLock()
	l := places[name]
	placesLock.RUnlock()
	if l != nil {
		return l
	}
	l, err := tz.Load(name)
	if err != nil {
		l = time.UTC
	}
	placesLock.Lock()
	places[name] = l
	placesLock.Unlock()
	return l
}
