package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// schemaName turns the names of our wire types into names for the outside: campaignBody → Campaign, the body of createCampaignInput →
// CreateCampaignRequest.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	if short, ok := strings.CutSuffix(name, "InputBody"); ok && short != "" {
		return short + "Request"
	}
	for _, suffix := range []string{"OutputBody", "Body"} {
		if short, ok := strings.CutSuffix(name, suffix); ok && short != "" {
			return short
		}
	}
	return name
}

// arraysAreNeverNull undoes huma's default of ["array","null"] in every schema, without touching its package-wide setting.
func arraysAreNeverNull(doc *huma.OpenAPI) {
	for _, s := range doc.Components.Schemas.Map() {
		notNull(s)
	}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete, item.Patch} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				notNull(p.Schema)
			}
			if op.RequestBody != nil {
				for _, m := range op.RequestBody.Content {
					notNull(m.Schema)
				}
			}
			for _, r := range op.Responses {
				for _, m := range r.Content {
					notNull(m.Schema)
				}
			}
		}
	}
}

func notNull(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
		notNull(s.Items)
	}
	for _, p := range s.Properties {
		notNull(p)
	}
	if values, ok := s.AdditionalProperties.(*huma.Schema); ok {
		notNull(values)
	}
}

// jsonFormat is encoding/json with one rule more: an object may not name a field twice, in any spelling. Otherwise the second value
// could slip past the validation of the first.
var jsonFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return enc.Encode(v) //nolint:wrapcheck // huma reports it
	},
	Unmarshal: func(data []byte, v any) error {
		if _, first := v.(*any); first { // huma reads once to validate and once into the struct
			if err := noDoubleNames(data); err != nil {
				return err
			}
		}
		return json.Unmarshal(data, v) //nolint:wrapcheck // the message is for the caller
	},
}

// maxDepth of a JSON body; no body of ours needs more than a few levels.
const maxDepth = 32

func noDoubleNames(data []byte) error {
	type level struct {
		names map[string]bool // nil in an array
		value bool            // in an object: the next token is a value
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var open []level
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return nil //nolint:nilerr // json.Unmarshal says it better
		}
		top := len(open) - 1
		if name, ok := tok.(string); ok && top >= 0 && open[top].names != nil && !open[top].value {
			folded := strings.ToLower(name)
			if open[top].names[folded] {
				return errors.New("an object names a field twice")
			}
			open[top].names[folded] = true
			open[top].value = true
			continue
		}
		if top >= 0 && tok != json.Delim('}') && tok != json.Delim(']') {
			open[top].value = false
		}
		switch tok {
		case json.Delim('{'):
			open = append(open, level{names: map[string]bool{}})
		case json.Delim('['):
			open = append(open, level{})
		case json.Delim('}'), json.Delim(']'):
			open = open[:top]
		}
		if len(open) > maxDepth {
			return fmt.Errorf("the body is nested deeper than %d levels", maxDepth)
		}
	}
}
