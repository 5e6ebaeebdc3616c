package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/overture-im/overture/internal/proof"
)

func faultsCommand() *cobra.Command {
	o := proof.FaultOptions{}
	c := &cobra.Command{
		Use:   "faults",
		Short: "Inject the faults of docs/FAULTS.md into real servers, and verify",
		Long: "Each fault starts a server and a carrier lab of its own on loopback, breaks something while a campaign is under way, waits for the\n" +
			"campaign to end by itself, and compares the books with the lab's ledger. One line per fault, one JSON line at the end.\n" +
			"Without --full the bounded set runs; rows that need what this machine does not have say \"skipped\" and why.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			err := startsItself(&o.Binary, &o.Seed)
			if err != nil {
				return err
			}
			_, err = proof.Faults(c.Context(), o, c.OutOrStdout())
			return err
		},
	}
	c.Flags().StringVar(&o.Only, "only", "", "ids or beginnings of ids, as F-V4,F-W")
	c.Flags().BoolVar(&o.Full, "full", false, "the full set, each fault more often")
	c.Flags().IntVar(&o.Parallel, "parallel", 4, "how many servers at once: a fault under three nodes counts as three")
	c.Flags().StringVar(&o.DatabaseURL, "database-url", "", "postgres://… for the rows on PostgreSQL, in schemas of their own")
	c.Flags().Uint64Var(&o.Seed, "seed", 0, "what is random (default: from the clock)")
	c.Flags().BoolVar(&o.Keep, "keep", false, "leave the folders with databases and logs")
	return c
}

func soakCommand() *cobra.Command {
	o := proof.SoakOptions{}
	c := &cobra.Command{
		Use:   "soak",
		Short: "Send one very large campaign through a misbehaving carrier, with kills, receipts and answers, and verify",
		Long:  "Records the server's memory over time and ends with one JSON line. A million messages take about a quarter of an hour on two cores.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			err := startsItself(&o.Binary, &o.Seed)
			if err != nil {
				return err
			}
			_, err = proof.Soak(c.Context(), o, c.OutOrStdout())
			return err
		},
	}
	c.Flags().IntVar(&o.Messages, "messages", 1_000_000, "recipients of the campaign")
	c.Flags().DurationVar(&o.KillEvery, "kill-every", time.Minute, "about how often to kill the server; 0: never")
	c.Flags().StringVar(&o.DatabaseURL, "database-url", "", "postgres://… to soak PostgreSQL, in a schema of its own (default: SQLite)")
	c.Flags().Uint64Var(&o.Seed, "seed", 0, "moments of the kills (default: from the clock)")
	c.Flags().BoolVar(&o.Keep, "keep", false, "leave the folder with database and logs")
	return c
}
