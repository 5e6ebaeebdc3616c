package store

import (
	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/sealed"
)

// SealWith makes a Sealer out of the keys of internal/kit/sealed.
func SealWith(keys *sealed.Keys) Sealer { return sealer{keys} }

type sealer struct{ keys *sealed.Keys }

func (s sealer) Seal(plain overture.Secret, bound string) (string, error) {
	return s.keys.Seal(plain.Reveal(), bound) //nolint:wrapcheck // says what it did
}

func (s sealer) Open(text, bound string) (overture.Secret, error) {
	plain, err := s.keys.Open(text, bound)
	return overture.Secret(plain), err //nolint:wrapcheck // says what it did
}
