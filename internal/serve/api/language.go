package api

import (
	"context"
	"reflect"
	"slices"

	"github.com/overture-im/overture"
)

// said puts the sentences of an answer into the caller's language (ADR 19). A wire type has an overture.Sentence where the server says something; in
// English the type writes itself.
func said(ctx context.Context, v any) any {
	language := exchangeOf(ctx).language
	if language.IsEnglish() || v == nil || !speaks(reflect.TypeOf(v), nil) {
		return v
	}
	in := reflect.ValueOf(v)
	if in.Kind() == reflect.Pointer {
		say(in, language.Say)
		return v
	}
	out := reflect.New(in.Type()).Elem()
	out.Set(in)
	say(out, language.Say)
	return out.Interface()
}

var sentence = reflect.TypeFor[overture.Sentence]()

// speaks tells whether a type of the wire has a sentence somewhere. above are the types it stands in.
func speaks(t reflect.Type, above []reflect.Type) bool {
	if t == sentence {
		return true
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return speaks(t.Elem(), above)
	case reflect.Struct:
		if slices.Contains(above, t) {
			return false
		}
		for f := range t.Fields() {
			if f.IsExported() && speaks(f.Type, append(above, t)) {
				return true
			}
		}
	default: // numbers, texts and maps say nothing
	}
	return false
}

// say replaces every sentence. What hangs on pointers and in slices belongs to this answer alone: wire types are made for it.
func say(v reflect.Value, in func(overture.Sentence) string) {
	if s, ok := v.Interface().(overture.Sentence); ok {
		if !s.IsZero() {
			v.Set(reflect.ValueOf(overture.Written(in(s))))
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			say(v.Elem(), in)
		}
	case reflect.Slice:
		for i := range v.Len() {
			say(v.Index(i), in)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && speaks(f.Type, nil) {
				say(v.Field(i), in)
			}
		}
	default: // as in speaks
	}
}

// own makes a sentence of a person's words, which no language changes.
func own(words string) overture.Sentence {
	if words == "" {
		return overture.Sentence{}
	}
	return overture.Say("%s", words)
}
