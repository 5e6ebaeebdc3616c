package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/store"
)

// diskFaults happen below SQLite: full, failing, read-only, damaged; and the proof that an acknowledgment follows the disk.
func diskFaults() []Fault {
	slow := lab.Profile{LatencyMS: 20, JitterMS: 20}
	return []Fault{
		{
			ID: "F-P2", Name: "disk full: no attempt without its record, not ready, back by itself", Prepare: onSmallDisk, Profile: slow,
			Messages: 1500, Keep: true, Inject: diskFull,
		},
		{
			ID: "F-P3a", Name: "the disk refuses to write (file size limit): fails closed", Profile: slow, Prepare: func(_ context.Context, s *Scene) error {
				sh, err := exec.LookPath("sh")
				if err != nil {
					return &skip{"there is no sh"}
				}
				s.Options.Wrap = []string{sh, "-c", `ulimit -f 3000; exec "$0" "$@"`} // blocks of 512 bytes or 1 KiB, by shell
				return nil
			},
			Inject: writesRefused,
		},
		{
			ID: "F-P3b", Name: "a read-only data directory refuses the start, in words", Prepare: onSmallDisk, Messages: 100, Inject: readOnly,
		},
		{ID: "F-P4", Name: "a flipped bit in the database: seen, or harmless", Messages: 200, Inject: flippedBits},
		{
			ID: "F-P1", Name: "each acknowledgment and each request to the carrier follows an fdatasync", Messages: 150, Profile: slow, Keep: true,
			Prepare: underStrace, Expect: syncedBeforeSaid,
		},
	}
}

// onSmallDisk gives the rig's data directory a file system of 96 MiB of its own: SQLite's log alone may take 32.
func onSmallDisk(_ context.Context, s *Scene) error {
	data := filepath.Join(s.Dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", data).CombinedOutput(); err != nil { //nolint:noctx // immediate
		return &skip{"mount: " + strings.TrimSpace(string(out))}
	}
	s.Options.ServeFlags = append(s.Options.ServeFlags, "--min-free-disk", "1") // the usual threshold is larger than this disk
	s.Undo(func() { _ = unmount(data) })
	return nil
}

func diskFull(ctx context.Context, s *Scene) error {
	for range s.Times(2, 20) {
		if err := s.fillAndFree(ctx); err != nil {
			return err
		}
		if s.Campaign, _ = s.Go(ctx, 500); s.Campaign == "" {
			return errors.New("no campaign after the disk had space again")
		}
	}
	return nil
}

func (s *Scene) fillAndFree(ctx context.Context) error {
	if err := s.busy(ctx); err != nil {
		return err
	}
	filler := filepath.Join(s.Dir, "data", "filler")
	if err := fill(filler); err != nil {
		return err
	}
	at := time.Now()
	if err := Until(ctx, "not ready", 5*time.Second, func() (bool, error) { return s.Ready(ctx, 0) != nil, nil }); err != nil {
		return err
	}
	s.NoteLongest("not ready after at most", time.Since(at))
	accepted, err := s.nothingGoesOut(ctx)
	if err != nil {
		return err
	}
	if err := os.Remove(filler); err != nil {
		return fmt.Errorf("free space: %w", err)
	}
	at = time.Now()
	p, err := s.API.Progress(ctx, s.Campaign)
	if err == nil && p.Waiting == 0 {
		return errors.New("the campaign ended before the disk was full: this proves nothing")
	}
	if err := Until(ctx, "sending goes on by itself", 10*time.Second, func() (bool, error) {
		sum, err := s.Lab.Summary(ctx)
		return err == nil && sum.Accepted > accepted, err
	}); err != nil {
		return err
	}
	s.NoteLongest("sends again after at most", time.Since(at))
	return nil
}

// nothingGoesOut expects that the carrier gets nothing while no attempt can be recorded, and gives how many messages it has taken. What was
// marked before may still go out, which a busy machine takes seconds for; then there are none for a second and a half.
func (s *Scene) nothingGoesOut(ctx context.Context) (accepted int64, err error) {
	before := int64(-1)
	for end := time.Now().Add(8 * time.Second); ; {
		sum, err := s.Lab.Summary(ctx)
		switch {
		case err != nil:
			return 0, err
		case sum.Accepted == before:
			return before, nil
		case time.Now().After(end):
			return 0, fmt.Errorf("%d messages went out in the last second and a half; no attempt can be recorded for ten", sum.Accepted-before)
		}
		before = sum.Accepted
		if err := pause(ctx, 1500*time.Millisecond); err != nil {
			return 0, err
		}
	}
}

// fill writes a file until there is no space left.
func fill(name string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("filler: %w", err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4 << 10} {
		block := make([]byte, size)
		for err = nil; err == nil; {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return fmt.Errorf("filler: %w", err)
		}
	}
	return nil
}

// writesRefused lets the database grow into a limit on file sizes; then the server gets none. On the way there large writes are refused while
// small ones still fit, and the server is rightly ready in between.
func writesRefused(ctx context.Context, s *Scene) error {
	var err error
	if s.API, err = s.Once(ctx); err != nil {
		return err
	}
	acked, refused, err := s.growIntoTheWall(ctx)
	if err != nil {
		return err
	}
	if _, err := s.API.CreateSkill(ctx, "Not recorded"); err == nil {
		return errors.New("a call was acknowledged although nothing can be written")
	}
	status, err := s.post(ctx, s.Sender.InboundURL, url.Values{
		"MessageSid": {"SM00000000000000000000000000000009"}, "AccountSid": {rigSID}, "From": {"+12015550198"}, "To": {rigNumber}, "Body": {"hello"},
		"NumMedia": {"0"}, "ApiVersion": {"2010-04-01"},
	}, rigToken)
	if err != nil || status < 500 {
		return errors.Join(fmt.Errorf("an inbound message got %d although nothing can be written", status), err)
	}
	if _, err := s.nothingGoesOut(ctx); err != nil {
		return err
	}
	if s.Ready(ctx, 0) == nil {
		return errors.New("ready although writes are refused")
	}
	if err := s.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	s.o.Wrap = nil
	if err := s.Start(ctx); err != nil {
		return err
	}
	s.Note("%d recipients before the wall, %d calls refused on the way", s.Launched, refused)
	return s.onlyLaunched(ctx, acked)
}

// growIntoTheWall launches campaigns until the server is not ready and stays so, and gives those whose launch was acknowledged.
func (s *Scene) growIntoTheWall(ctx context.Context) (acked map[string]bool, refused int, err error) {
	acked = map[string]bool{}
	for began := time.Now(); time.Since(began) < time.Minute; {
		notReady, err := s.notReadyFor(ctx, 2*time.Second)
		if err != nil || notReady {
			return acked, refused, err
		}
		if c, err := s.Go(ctx, 400); err == nil {
			acked[c] = true
		} else {
			refused++
		}
	}
	return nil, refused, fmt.Errorf("still ready after a minute of growth; %d calls were refused", refused)
}

// notReadyFor tells whether the server says for so long that it is not ready: SQLite's log may yet begin anew when all of it was moved.
func (s *Scene) notReadyFor(ctx context.Context, long time.Duration) (bool, error) {
	for began := time.Now(); time.Since(began) < long; {
		if s.Ready(ctx, 0) == nil {
			return false, nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return false, err
		}
	}
	return true, nil
}

// onlyLaunched expects that the campaigns of acknowledged launches are launched, and no other.
func (s *Scene) onlyLaunched(ctx context.Context, acked map[string]bool) error {
	campaigns, err := s.API.Campaigns(ctx, 1000)
	if err != nil {
		return err
	}
	launched := 0
	for _, c := range campaigns {
		switch {
		case c.LaunchedAt == nil:
		case !acked[c.ID]:
			return fmt.Errorf("campaign %s is launched although its launch was answered with an error", c.ID)
		default:
			launched++
		}
	}
	if launched != len(acked) {
		return fmt.Errorf("I11: %d launches were acknowledged, %d campaigns are launched", len(acked), launched)
	}
	return nil
}

func readOnly(ctx context.Context, s *Scene) error {
	if err := s.Settled(ctx, time.Minute); err != nil {
		return err
	}
	if err := s.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	data := filepath.Join(s.Dir, "data")
	remount := func(mode string) error {
		if out, err := exec.CommandContext(ctx, "mount", "-o", "remount,"+mode, data).CombinedOutput(); err != nil {
			return &skip{"remount: " + strings.TrimSpace(string(out))}
		}
		return nil
	}
	if err := remount("ro"); err != nil {
		return err
	}
	err := s.Start(ctx)
	if back := remount("rw"); back != nil {
		return back
	}
	if err == nil {
		return errors.New("the server started on a read-only data directory")
	}
	if !strings.Contains(err.Error(), "read-only") && !strings.Contains(err.Error(), "readonly") {
		return fmt.Errorf("the refusal does not say what is wrong: %w", err)
	}
	return nil
}

// flippedBits damages copies of the database at one bit each. Damage is seen at opening or by verify, or the books say the same as before.
func flippedBits(ctx context.Context, s *Scene) error {
	if err := s.Settled(ctx, time.Minute); err != nil {
		return err
	}
	if _, err := s.Lab.Drain(ctx, 10*time.Second); err != nil {
		return err
	}
	if err := s.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	sound, err := s.Verify(ctx)
	if err != nil {
		return err
	}
	original, err := os.ReadFile(filepath.Join(s.Dir, "data", "overture.db"))
	if err != nil {
		return fmt.Errorf("database file: %w", err)
	}
	seen, harmless := 0, 0
	for range s.Times(40, 1000) {
		dir := filepath.Join(s.Dir, "damaged")
		damaged := append([]byte(nil), original...)
		at := s.Random.IntN(len(damaged))
		damaged[at] ^= 1 << s.Random.IntN(8)
		//nolint:gosec // the folder is the fault's own
		if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "overture.db"), damaged, 0o600)); err != nil {
			return err
		}
		report, err := s.verifyCopy(ctx, dir)
		switch {
		case err != nil || !report.Clean():
			seen++
		case report.Messages == sound.Messages && report.Accepted == sound.Accepted:
			harmless++
		default:
			return fmt.Errorf("bit flipped at byte %d: verify finds nothing and counts %d messages, %d accepted, instead of %d and %d", at, report.Messages,
				report.Accepted, sound.Messages, sound.Accepted)
		}
	}
	s.Note("%d seen, %d without effect on the books", seen, harmless)
	return nil
}

func (s *Scene) verifyCopy(ctx context.Context, dir string) (Report, error) {
	book, err := store.Open(ctx, store.Options{DataDir: dir})
	if err != nil {
		return Report{}, err
	}
	defer book.Close()
	return Verify(ctx, book, LabLedger(ctx, s.Lab))
}

func underStrace(_ context.Context, s *Scene) error {
	strace, err := exec.LookPath("strace")
	if err != nil {
		return &skip{"there is no strace"}
	}
	// Without the time-outs of the other faults: a traced process is ten times slower.
	s.Options.ServeFlags = []string{
		"--connections", "8", "--client-timeout", "5s", "--send-deadline", "3s", "--provider-delay", "500ms", "--grace", "9s",
		"--lookup-spacing", "300ms", "--lease-ttl", "20s",
	}
	// With -D the server is our child and gets our signals.
	s.Options.Wrap = []string{strace, "-D", "-f", "-qq", "-s", "24", "-e", "trace=fdatasync,fsync,read,write", "-e", "signal=none", "-o", filepath.Join(s.Dir, "trace")}
	return nil
}

// The lines of strace that matter. A call that others interrupt is split into an unfinished and a resumed line.
var (
	traceSync    = regexp.MustCompile(`^\d+ +(?:<\.\.\. )?(?:fdatasync|fsync)(?:\(\d+\)| resumed>\)) += 0`)
	traceReceipt = regexp.MustCompile(`^\d+ +read\((\d+), "POST /hooks/`)
	traceLate    = regexp.MustCompile(`^(\d+) +<\.\.\. read resumed>"POST /hooks/`)
	traceBegun   = regexp.MustCompile(`^(\d+) +read\((\d+),? *<unfinished`)
	traceAck     = regexp.MustCompile(`^\d+ +write\((\d+), "HTTP/1\.1 204`)
	traceSend    = regexp.MustCompile(`^\d+ +write\(\d+, "POST /2010-04-01`)
)

// syncedBeforeSaid reads the trace: between a webhook's arrival and its 204 the disk was written, and never were more requests sent to
// the carrier than one group of attempts after each write to the disk.
func syncedBeforeSaid(_ context.Context, s *Scene) error {
	f, err := os.Open(filepath.Join(s.Dir, "trace"))
	if err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	syncs, acks, sends, sinceSync := 0, 0, 0, 0
	waiting := map[string]string{} // thread → descriptor of a read under way
	asked := map[string]int{}      // descriptor → syncs when its receipt came
	for line := range strings.Lines(string(raw)) {
		switch {
		case traceSync.MatchString(line):
			syncs++
			sinceSync = 0
		case traceBegun.MatchString(line):
			m := traceBegun.FindStringSubmatch(line)
			waiting[m[1]] = m[2]
		case traceReceipt.MatchString(line):
			asked[traceReceipt.FindStringSubmatch(line)[1]] = syncs
		case traceLate.MatchString(line):
			asked[waiting[traceLate.FindStringSubmatch(line)[1]]] = syncs
		case traceSend.MatchString(line):
			sends++
			if sinceSync++; syncs == 0 || sinceSync > 100 {
				return errors.New("R1: a request went to the carrier without a write to the disk before it")
			}
		case traceAck.MatchString(line):
			fd := traceAck.FindStringSubmatch(line)[1]
			at, known := asked[fd]
			if !known {
				continue // its request was read in a way this proof does not follow
			}
			delete(asked, fd)
			if acks++; syncs == at {
				return fmt.Errorf("R10: acknowledgment %d was written without a write to the disk after its request", acks)
			}
		}
	}
	s.Note("%d acknowledgments, %d requests, %d writes to the disk", acks, sends, syncs)
	if acks < s.Launched || sends < s.Launched {
		return errors.New("too few seen: the trace proves nothing, see " + strconv.Itoa(len(raw)) + " bytes")
	}
	return nil
}
