package api

import (
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// padding is how many bytes an answer may be longer by chance, so that its length tells less about what is in it.
const padding = 32

// compress makes JSON that is read smaller on its way; a page of recipients shrinks to a tenth.
//
// The length of a compressed answer can betray what is in it to somebody who listens to the line and makes a reader's browser ask again and
// again with guesses in the address (BREACH). So only answers to GET are compressed: what is secret (a new key, a session) is told in answers to
// POST alone, and stored secrets are never told. A request that another site made a browser send is answered as it is; browsers say so in a
// header that pages cannot write. What is left is padded. Files (CSV) stay as they are: an export must not take the processor from sending.
func compress(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.EnableZstd(false), gzhttp.ContentTypeFilter(isJSON), gzhttp.RandomJitter(padding, 0, false))
	if err != nil {
		panic(err) // the settings above contradict each other
	}
	smaller := wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || fromElsewhere(r) {
			next.ServeHTTP(w, r)
			return
		}
		smaller.ServeHTTP(w, r)
	})
}

func isJSON(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.HasSuffix(kind, "/json") || strings.HasSuffix(kind, "+json")
}

// fromElsewhere tells whether another site made the browser send this. Programs, and browsers on lines that are open anyway, say nothing.
func fromElsewhere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "" && site != "same-origin" && site != "none"
}
