package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"
)

// listFaults hit what comes before the sending: import and launch.
func listFaults() []Fault {
	return []Fault{{ID: "F-I1", Name: "killed during an import, at random rows: all of the list or nothing", Engines: onBoth, Inject: importKilled}}
}

// importKilled kills the server while a list is uploaded. Afterwards the draft has the whole list or none of it, and takes it again.
func importKilled(ctx context.Context, s *Scene) error {
	const rows = 20_000
	whole, none := 0, 0
	for i := range s.Times(4, 100) {
		c, err := s.Draft(ctx, fmt.Sprintf("Import %d", i), 0)
		if err != nil {
			return err
		}
		uploading, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() {
			file := io.NewSectionReader(listOf(0, rows), 0, rows*listRow)
			_, err := s.API.Upload(uploading, c, file, "people.csv", nil, nil)
			ended <- err
		}()
		err = pause(ctx, time.Duration(20+s.Random.IntN(350))*time.Millisecond)
		killed := s.Signal(syscall.SIGKILL)
		stop()
		<-ended //nolint:errcheck // it was meant to fail
		if err := errors.Join(err, killed); err != nil {
			return err
		}
		if err := s.Start(ctx); err != nil {
			return err
		}
		seen, err := s.API.Campaign(ctx, c)
		if err != nil {
			return err
		}
		switch seen.Recipients {
		case 0:
			none++
		case rows:
			whole++
			continue
		default:
			return fmt.Errorf("after a kill %d of %d recipients are on the list", seen.Recipients, rows)
		}
		if s.Engine == onPostgres { // another node might be loading it: that is decided after some silence
			continue
		}
		file := io.NewSectionReader(listOf(0, 300), 0, 300*listRow)
		if err := Until(ctx, "the list can be loaded again", 15*time.Second, func() (bool, error) {
			_, err := s.API.Upload(ctx, c, file, "people.csv", nil, nil)
			return err == nil, err
		}); err != nil {
			return err
		}
		if s.Launched > 0 {
			continue
		}
		if _, err := s.API.Launch(ctx, c, true, nil, "launch-"+c); err != nil {
			return err
		}
		s.Launched += 300
	}
	s.Note("%d lists whole, %d not there", whole, none)
	return nil
}
