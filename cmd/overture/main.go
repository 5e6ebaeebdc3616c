// Command overture is the whole product: server, carrier lab, demo and command line. Run it without arguments for help.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/overture-im/overture/internal/cli"
)

func main() {
	os.Exit(run())
}

// run turns signals into the end of the context: the first asks for a graceful stop, a second one ends the process at once.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return cli.Run(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
}
