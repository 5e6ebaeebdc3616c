package cli

import (
	"github.com/spf13/cobra"

	"github.com/overture-im/overture/internal/demo"
)

func demoCommand(s Streams) *cobra.Command {
	o := demo.Options{Out: s.Out}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Watch a whole campaign on this machine: launched, delivered, answered, proven",
		Long: "Starts a server and a simulated carrier on loopback with a fresh database in a temporary folder, launches a campaign to 1,000 fictional\n" +
			"numbers, shows it live, lets an agent answer, compares the books with the carrier's ledger, and keeps serving until Ctrl-C.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return demo.Run(c.Context(), o) },
	}
	c.Flags().BoolVar(&o.Once, "once", false, "end by itself when the story is told; the last line is one JSON object")
	c.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:8080", "address of the server; another port is taken when this one is in use")
	c.Flags().StringVar(&o.LogFile, "log-file", "", "file for the server's log (default: in the temporary folder)")
	return c
}
