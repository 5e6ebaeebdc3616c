package lab

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// form is the part of a create that the lab reads. Slices point into raw and die with it.
type form struct {
	raw                                         []byte
	to, from, service, body, callback, validFor []byte
	key, answer                                 []byte // scratch for the route's key and the answer
	text                                        string // the body
}

const maxForm = 256 << 10 // far above 1,600 characters and a callback URL

var errFormTooLarge = errors.New("the form is larger than 256 KiB")

// read takes the request's body and finds the known fields. Unknown ones are ignored, as Twilio does; the first of repeated ones wins.
func (f *form) read(r *http.Request) error {
	*f = form{raw: f.raw[:0], key: f.key[:0], answer: f.answer}
	for {
		if len(f.raw) == cap(f.raw) {
			f.raw = append(f.raw, 0)[:len(f.raw)]
		}
		n, err := r.Body.Read(f.raw[len(f.raw):cap(f.raw)])
		f.raw = f.raw[:len(f.raw)+n]
		if len(f.raw) > maxForm {
			return errFormTooLarge
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	for rest := f.raw; len(rest) > 0; {
		var pair []byte
		pair, rest, _ = bytes.Cut(rest, []byte{'&'})
		name, value, _ := bytes.Cut(pair, []byte{'='})
		var into *[]byte
		switch string(unescape(name)) {
		case "To":
			into = &f.to
		case "From":
			into = &f.from
		case "MessagingServiceSid":
			into = &f.service
		case "Body":
			into = &f.body
		case "StatusCallback":
			into = &f.callback
		case "ValidityPeriod":
			into = &f.validFor
		default:
			continue
		}
		if *into == nil {
			if *into = unescape(value); value == nil {
				*into = f.raw[:0] // given without a value: not nil, so that it stays the first
			}
		}
	}
	return nil
}

// unescape decodes a form value in place. A broken escape stays as it is.
func unescape(b []byte) []byte {
	at := bytes.IndexAny(b, "%+")
	if at < 0 {
		return b
	}
	out := b[:at]
	for i := at; i < len(b); i++ {
		switch {
		case b[i] == '+':
			out = append(out, ' ')
		case b[i] == '%' && i+2 < len(b) && unhex(b[i+1]) < 16 && unhex(b[i+2]) < 16:
			out = append(out, unhex(b[i+1])<<4|unhex(b[i+2]))
			i += 2
		default:
			out = append(out, b[i])
		}
	}
	return out
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
