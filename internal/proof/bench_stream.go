package proof

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// call is one signed post, ready to go.
type call struct {
	url, kind, signature string
	body                 []byte
}

// stream posts calls from a number of connections for a while. Each connection waits for the answer before it posts again, and with a pace
// until its turn comes. Calls are made and signed on the way, also when the ceiling is measured.
type stream struct {
	connections int
	lasts       time.Duration
	every       time.Duration // between posts of all connections together; 0: as fast as they are taken
	first       int           // number of the first call
	call        func(n int) call
	base        string // where to post instead; empty: where the call belongs

	posted    int
	latencies []time.Duration
	took      time.Duration
}

func (s *stream) perSecond() float64 { return float64(s.posted) / s.took.Seconds() }

// run ends with the first answer that is not 2xx.
func (s *stream) run(ctx context.Context) error {
	transport := &http.Transport{MaxIdleConnsPerHost: s.connections, MaxConnsPerHost: s.connections, DisableCompression: true}
	defer transport.CloseIdleConnections()
	var next atomic.Int64
	var bad atomic.Pointer[error]
	var mu sync.Mutex
	var wg sync.WaitGroup
	began := time.Now()
	for range s.connections {
		wg.Go(func() {
			var mine []time.Duration
			for bad.Load() == nil && ctx.Err() == nil && time.Since(began) < s.lasts {
				n := int(next.Add(1)) - 1
				if s.every > 0 {
					if err := pause(ctx, time.Until(began.Add(time.Duration(n)*s.every))); err != nil {
						break
					}
				}
				c := s.call(s.first + n)
				at := time.Now()
				if err := s.post(ctx, transport, c); err != nil {
					bad.Store(&err)
				}
				mine = append(mine, time.Since(at))
			}
			mu.Lock()
			s.latencies = append(s.latencies, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	s.took, s.posted = time.Since(began), len(s.latencies)
	if e := bad.Load(); e != nil {
		return *e
	}
	return ctx.Err()
}

func (s *stream) post(ctx context.Context, transport *http.Transport, c call) error {
	target := c.url
	if s.base != "" {
		_, rest, _ := strings.Cut(strings.TrimPrefix(target, "http://"), "/")
		target = s.base + "/" + rest
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(c.body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", c.kind)
	req.Header.Set("X-Twilio-Signature", c.signature)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("a receipt was answered %s", resp.Status)
	}
	return nil
}

// bareServer reads what is posted to it and answers 204: the ceiling of any webhook.
func bareServer() (base string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // local and immediate
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})}
	go func() { _ = s.Serve(l) }()
	return "http://" + l.Addr().String(), func() { _ = s.Close() }, nil
}
