package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/overture-im/overture"
)

// identifier is any id of the vocabulary.
type identifier interface {
	~int64
	String() string
}

// ref is an id on the wire: "cmp_1x9k…". The zero id is absent; write `json:"skill,omitzero"` where it is optional.
type ref[T identifier] struct{ ID T }

type (
	accountRef      = ref[overture.AccountID]
	brandRef        = ref[overture.BrandID]
	userRef         = ref[overture.UserID]
	apiKeyRef       = ref[overture.APIKeyID]
	skillRef        = ref[overture.SkillID]
	senderRef       = ref[overture.SenderID]
	campaignRef     = ref[overture.CampaignID]
	importRef       = ref[overture.ImportID]
	recipientRef    = ref[overture.RecipientID]
	messageRef      = ref[overture.MessageID]
	conversationRef = ref[overture.ConversationID]
	entryRef        = ref[overture.EntryID]
	auditRef        = ref[overture.AuditID]
	heldOrderRef    = ref[overture.HeldOrderID]
)

// refTo puts an id on the wire.
func refTo[T identifier](id T) ref[T] { return ref[T]{ID: id} }

// MarshalText writes the wire form.
func (r ref[T]) MarshalText() ([]byte, error) { return []byte(r.ID.String()), nil }

// UnmarshalText reads the wire form. It does not repeat what it was given.
func (r *ref[T]) UnmarshalText(text []byte) error {
	if p, ok := any(&r.ID).(interface{ Parse(string) error }); ok && p.Parse(string(text)) == nil {
		return nil
	}
	return errors.New("expected an id that begins with " + prefix[T]() + "_")
}

// Schema describes the id.
func (ref[T]) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type:               huma.TypeString,
		Pattern:            "^" + prefix[T]() + "_[0-9a-z]{1,13}$",
		PatternDescription: "an id that begins with " + prefix[T]() + "_",
		Examples:           []any{prefix[T]() + "_1x9k4c2m7f3"},
	}
}

func prefix[T identifier]() string {
	var zero T
	before, _, _ := strings.Cut(zero.String(), "_")
	return before
}

// refs puts a list of ids on the wire.
func refs[T identifier](ids []T) []ref[T] {
	out := make([]ref[T], 0, len(ids))
	for _, id := range ids {
		out = append(out, refTo(id))
	}
	return out
}

// idsOf reads a list of ids.
func idsOf[T identifier](rs []ref[T]) []T {
	out := make([]T, 0, len(rs))
	for _, r := range rs {
		out = append(out, r.ID)
	}
	return out
}

// pathID reads the id in a plain route's path. What is no id names nothing: 404, as for an unknown one.
func pathID[T identifier](r *http.Request, name string) (T, error) {
	var id ref[T]
	if err := id.UnmarshalText([]byte(r.PathValue(name))); err != nil {
		return 0, fmt.Errorf("path: %w", overture.ErrNotFound(name))
	}
	return id.ID, nil
}
