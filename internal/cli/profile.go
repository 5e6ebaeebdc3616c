package cli

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"

	"github.com/spf13/pflag"
)

// profiles are files for what the server did from its start to its end, to be read with go tool pprof; empty: none.
type profiles struct{ cpu, allocs, mutex string }

func (p *profiles) flags(flags *pflag.FlagSet) {
	flags.StringVar(&p.cpu, "cpu-profile", "", "write a CPU profile of the whole run to this file, to be read with go tool pprof")
	flags.StringVar(&p.allocs, "alloc-profile", "", "the same of what was allocated, and of what was in use at the end")
	flags.StringVar(&p.mutex, "mutex-profile", "", "the same of who waited for locks")
}

// oneWait in so many is recorded; all of them would change what is measured.
const oneWait = 20

// start records until the returned function is called, which writes the files.
func (p *profiles) start() (stop func() error, err error) {
	var ends []func() error
	stop = func() error {
		var errs []error
		for _, end := range ends {
			errs = append(errs, end())
		}
		return errors.Join(errs...)
	}
	open := func(path, flag string, end func(*os.File) error) (*os.File, error) {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", flag, err), stop())
		}
		ends = append(ends, func() error { return errors.Join(end(file), file.Close()) })
		return file, nil
	}
	if p.allocs != "" {
		if _, err := open(p.allocs, "--alloc-profile", func(f *os.File) error { return pprof.Lookup("allocs").WriteTo(f, 0) }); err != nil {
			return nil, err
		}
	}
	if p.mutex != "" {
		if _, err := open(p.mutex, "--mutex-profile", func(f *os.File) error { return pprof.Lookup("mutex").WriteTo(f, 0) }); err != nil {
			return nil, err
		}
		runtime.SetMutexProfileFraction(oneWait)
	}
	if p.cpu != "" {
		file, err := open(p.cpu, "--cpu-profile", func(*os.File) error { pprof.StopCPUProfile(); return nil })
		if err != nil {
			return nil, err
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			return nil, errors.Join(fmt.Errorf("--cpu-profile: %w", err), stop())
		}
	}
	return stop, nil
}
