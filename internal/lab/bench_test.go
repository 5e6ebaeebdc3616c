package lab_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/lab/labtest"
)

func benchForm(n int64) string {
	return url.Values{
		"To": {fmt.Sprintf("+4477009%05d", n%100_000)}, "From": {ours}, "Body": {"Hello from the spring sale To stop receiving messages just reply STOP"},
		"StatusCallback": {fmt.Sprintf("http://127.0.0.1:9/hooks/twilio/0123456789abcdef/status?m=msg_%s&t=%032x", strconv.FormatInt(1<<60+n, 36), n)},
	}.Encode()
}

func benchLab(b *testing.B) *labtest.Server {
	b.Helper()
	s := labtest.Start(b, lab.Options{})
	for _, err := range []error{
		s.Client.AddAccount(b.Context(), accountSID, token),
		s.Client.SetNumber(b.Context(), lab.Number{Number: ours, AccountSID: accountSID}),
		s.Client.SetProfile(b.Context(), "", lab.Profile{ReceiptLost: 1}),
	} {
		if err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// BenchmarkCreateHandler is the lab's own work per create, statuses included, without a network.
func BenchmarkCreateHandler(b *testing.B) {
	s := benchLab(b)
	h := s.Lab.Handler()
	forms := make([]string, b.N)
	for i := range forms {
		forms[i] = benchForm(int64(i))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, messages, strings.NewReader(forms[i]))
		req.SetBasicAuth(accountSID, token)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, req); w.Code != http.StatusCreated {
			b.Fatal(w.Body)
		}
	}
}

// BenchmarkCreate is a create over loopback with connections kept open. The client only writes bytes and skims the answer, so that the
// server's share shows; both share the machine.
func BenchmarkCreate(b *testing.B) {
	s := benchLab(b)
	addr := strings.TrimPrefix(s.URL, "http://")
	auth := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/", nil)
	auth.SetBasicAuth(accountSID, token)
	var n atomic.Int64
	var forms [4096]string // made before: only the lab's work is to be seen
	for i := range forms {
		forms[i] = benchForm(int64(i))
	}
	b.SetParallelism(16)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		conn, err := (&net.Dialer{}).DialContext(b.Context(), "tcp", addr)
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		for pb.Next() {
			form := forms[n.Add(1)%int64(len(forms))]
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: lab\r\nAuthorization: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
				messages, auth.Header.Get("Authorization"), len(form), form)
			resp, err := http.ReadResponse(in, nil)
			if err != nil || resp.StatusCode != http.StatusCreated {
				b.Errorf("%v %v", resp, err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "creates/s")
}

// TestMemoryPerMessage: what an accepted message costs for good, with a repeated text.
func TestMemoryPerMessage(t *testing.T) {
	const messages = 100_000
	l, err := lab.New(lab.Options{Open: true})
	must(t, err)
	h := l.Handler()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range int64(messages) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/2010-04-01/Accounts/"+accountSID+"/Messages.json", strings.NewReader(benchForm(i)))
		req.SetBasicAuth(accountSID, token)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, req); w.Code != http.StatusCreated {
			t.Fatal(w.Body)
		}
	}
	lab.Forget(l) // what is still to happen is not for good
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := float64(after.HeapAlloc-before.HeapAlloc) / messages
	t.Logf("%.0f bytes per message", each)
	if each > 200 {
		t.Errorf("%.0f bytes per message, want at most 200", each)
	}
	runtime.KeepAlive(l)
}
