package api

import (
	"encoding/base64"
	"strconv"

	"github.com/overture-im/overture"
)

// Paged is embedded in the input of every list. It is exported because huma looks into exported embedded structs only.
type Paged struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items at most"`
	Cursor string `query:"cursor" maxLength:"200" doc:"next_cursor of the page before"`
}

// page is a part of a list. Without next_cursor it is the last.
type page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty" doc:"Pass as ?cursor= to go on; absent on the last page"`
}

const defaultLimit = 50

func (p Paged) limit() int {
	if p.Limit == 0 {
		return defaultLimit
	}
	return p.Limit
}

// after is the id of the last item of the page before; zero at the start.
func (p Paged) after() (int64, error) {
	text, err := decodeCursor(p.Cursor)
	if err != nil || text == "" {
		return 0, err
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, errCursor()
	}
	return id, nil
}

// newPage builds a page of a list that goes by id; last is the id of the last item, more tells whether others follow.
func newPage[T any](items []T, last int64, more bool) page[T] {
	if items == nil {
		items = []T{}
	}
	p := page[T]{Items: items}
	if more && len(items) > 0 {
		p.NextCursor = encodeCursor(strconv.FormatInt(last, 10))
	}
	return p
}

// pageOf makes a page of what a room gave: ask it for one more than the limit, so that the page knows whether others follow.
func pageOf[R, W any](rows []R, limit int, wire func(R) W, id func(R) int64) page[W] {
	more := len(rows) > limit
	if more {
		rows = rows[:limit]
	}
	items := make([]W, 0, len(rows))
	var last int64
	for _, r := range rows {
		items, last = append(items, wire(r)), id(r)
	}
	return newPage(items, last, more)
}

// encodeCursor makes a position opaque: callers pass it back, they do not build it.
func encodeCursor(position string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(position))
}

func decodeCursor(cursor string) (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return "", errCursor()
	}
	return string(raw), nil
}

func errCursor() error {
	return &overture.Error{
		Kind: overture.Invalid, Code: "bad_cursor", Message: "the cursor is not one this list gave; start without a cursor",
		Fields: []overture.Field{{Location: "query.cursor", Message: "not a cursor of this list"}},
	}
}
