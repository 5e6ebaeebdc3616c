package twilio_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/overture-im/overture"
)

func BenchmarkSend(b *testing.B) {
	const answer = `{"sid":"` + sid + `","status":"queued","num_segments":"1","body":"x","from":"+15005550006","to":"+12125550123","error_code":null}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	c, s := client(b, 30*time.Second), sender(server.URL)
	out := overture.Outgoing{
		To: "+12125550123", Body: "Spring sale. To stop receiving messages just reply STOP", ValidFor: time.Hour,
		StatusCallback: "https://hooks.example.test/hooks/twilio/wk/status?m=msg_9&t=tok",
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Send(b.Context(), s, out); err != nil {
			b.Fatal(err)
		}
	}
}
