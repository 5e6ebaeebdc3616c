package lab

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// journal is the ledger's file: one JSON line per thing that happened. It is written before the answer goes out but never synced:
// it survives the lab being killed, not the machine.
type journal struct {
	mu   sync.Mutex
	file *os.File
	end  int64
	line []byte
	err  error // first write error of a line nobody waits for
}

// line is what a journal holds; Kind says which fields are set.
type line struct {
	Kind       string   `json:"kind"`
	Key        uint64   `json:"key,omitempty"`
	N          uint32   `json:"n,omitempty"`
	SID        string   `json:"sid,omitempty"`
	Token      string   `json:"token,omitempty"`
	AccountSID string   `json:"account_sid,omitempty"`
	From       string   `json:"from,omitempty"`
	ServiceSID string   `json:"service_sid,omitempty"`
	To         string   `json:"to,omitempty"`
	Body       string   `json:"body,omitempty"`
	Base       string   `json:"callback,omitempty"`
	Query      string   `json:"query,omitempty"`
	Fragment   string   `json:"fragment,omitempty"`
	Segments   int      `json:"segments,omitempty"`
	Arrived    int64    `json:"requested_at,omitempty"`
	At         int64    `json:"at,omitempty"`
	Status     string   `json:"status,omitempty"`
	Code       int      `json:"code,omitempty"`
	Lifted     bool     `json:"lifted,omitempty"`
	Number     *Number  `json:"number,omitempty"`
	Sender     string   `json:"sender,omitempty"`
	Profile    *Profile `json:"profile,omitempty"`
	Rules      []Rule   `json:"rules,omitempty"`
}

// The kinds of lines.
const (
	lineLab      = "lab"      // first line: the key of the SIDs
	lineAccepted = "accepted" // a message
	lineStatus   = "status"   // a message moved
	lineStop     = "stop"     // a phone stopped a sender, or lifted it
	lineWritten  = "written"  // a phone wrote
	lineHeard    = "heard"    // its webhook got 2xx, or the lab gave up
	lineAccount  = "account"
	lineNumber   = "number"
	lineProfile  = "profile"
	lineScripts  = "scripts"
)

// openJournal opens or creates the file and hands every line of an earlier run to replay, with its offset. A torn last line is cut off:
// its request was never answered.
func openJournal(path string, replay func(*line, int64) error) (*journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the ledger file: %w", err)
	}
	j := &journal{file: f}
	if err := j.load(replay); err != nil {
		return nil, errors.Join(fmt.Errorf("read the ledger file %s: %w", path, err), f.Close())
	}
	return j, nil
}

func (j *journal) load(replay func(*line, int64) error) error {
	in := bufio.NewReaderSize(j.file, 1<<20)
	for {
		raw, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		var l line
		if err := json.Unmarshal(raw, &l); err != nil {
			return fmt.Errorf("byte %d is not a line of a lab's ledger, give another file: %w", j.end, err)
		}
		if err := replay(&l, j.end); err != nil {
			return fmt.Errorf("byte %d: %w", j.end, err)
		}
		j.end += int64(len(raw))
	}
	if err := j.file.Truncate(j.end); err != nil {
		return err
	}
	_, err := j.file.Seek(j.end, io.SeekStart)
	return err
}

// write appends what add appends, in one call to the kernel, and gives the place it stands at.
func (j *journal) write(add func([]byte) []byte) (int64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.line = append(add(j.line[:0]), '\n')
	at := j.end
	n, err := j.file.Write(j.line)
	if err != nil {
		// Take back half a line, so that the next one stands alone.
		if n > 0 {
			_ = j.file.Truncate(at)
			_, _ = j.file.Seek(at, io.SeekStart)
		}
		j.err = err
		return 0, fmt.Errorf("write the ledger file: %w", err)
	}
	j.end += int64(n)
	return at, nil
}

// note writes a line nobody waits for; a nil journal notes nothing.
func (j *journal) note(l line) {
	if j == nil {
		return
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return // line has no unmarshalable field
	}
	_, _ = j.write(func(b []byte) []byte { return append(b, raw...) })
}

// accepted writes a message by hand: this is the hot path.
func (j *journal) accepted(n uint32, s *submission, now int64) (int64, error) {
	return j.write(func(b []byte) []byte {
		b = append(b, `{"kind":"accepted","n":`...)
		b = appendInt(b, int64(n))
		b = appendField(b, `,"account_sid":`, s.account)
		b = appendField(b, `,"from":`, s.from)
		if len(s.service) > 0 {
			b = append(b, `,"service_sid":`...)
			b = appendJSON(b, s.service)
		}
		b = append(b, `,"to":"`...)
		b = append(s.to.append(b), '"')
		b = append(b, `,"body":`...)
		b = appendJSON(b, s.body)
		if len(s.base) > 0 {
			b = append(b, `,"callback":`...)
			b = appendJSON(b, s.base)
			b = append(b, `,"query":`...)
			b = appendJSON(b, s.query)
			b = append(b, `,"fragment":`...)
			b = appendJSON(b, s.fragment)
		}
		b = append(b, `,"segments":`...)
		b = appendInt(b, int64(s.segments))
		b = append(b, `,"requested_at":`...)
		b = appendInt(b, s.arrived)
		b = append(b, `,"at":`...)
		b = appendInt(b, now)
		return append(b, '}')
	})
}

func (j *journal) moved(n uint32, to status, code int, now int64) {
	_, _ = j.write(func(b []byte) []byte {
		b = append(b, `{"kind":"status","n":`...)
		b = appendInt(b, int64(n))
		b = appendField(b, `,"status":`, to.String())
		if code != 0 {
			b = append(b, `,"code":`...)
			b = appendInt(b, int64(code))
		}
		b = append(b, `,"at":`...)
		b = appendInt(b, now)
		return append(b, '}')
	})
}

// body reads a message's text back from its line.
func (j *journal) body(at int64) string {
	in := bufio.NewReader(io.NewSectionReader(j.file, at, 1<<20))
	raw, err := in.ReadBytes('\n')
	var l line
	if err != nil || json.Unmarshal(bytes.TrimSpace(raw), &l) != nil {
		return ""
	}
	return l.Body
}

// restart empties the file; the next line is the first.
func (j *journal) restart() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.file.Truncate(0); err != nil {
		return fmt.Errorf("empty the ledger file: %w", err)
	}
	j.end = 0
	_, err := j.file.Seek(0, io.SeekStart)
	return err
}

func (j *journal) trouble() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

func (j *journal) close() error {
	if j == nil {
		return nil
	}
	return j.file.Close()
}
