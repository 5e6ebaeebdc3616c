package cli

import (
	"fmt"
	"iter"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/proof"
	"github.com/overture-im/overture/internal/store"
)

func verifyCommand() *cobra.Command {
	var f serverFlags
	var labURL string
	c := &cobra.Command{
		Use:   "verify",
		Short: "Check every promise against the database, and against a carrier lab's ledger",
		Long: "Checks the invariants of docs/MESSAGE-LIFECYCLE.md. On SQLite, stop the server first: it is alone on its data directory.\n" +
			"With --lab the provider's own ledger is the witness: what our books call accepted was accepted, once, and nothing else was.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o, err := f.finish(c.ErrOrStderr())
			if err != nil {
				return err
			}
			db, err := store.Open(c.Context(), store.Options{DataDir: o.DataDir, DatabaseURL: o.DatabaseURL})
			if err != nil {
				return err
			}
			defer db.Close()
			var ledger iter.Seq2[proof.LedgerEntry, error]
			if labURL != "" {
				ledger = proof.LabLedger(c.Context(), lab.NewClient(labURL))
			}
			report, err := proof.Verify(c.Context(), db, ledger)
			if err != nil {
				return err
			}
			report.Write(c.OutOrStdout())
			if !report.Clean() {
				return &findings{"verify found broken promises; see above"}
			}
			return nil
		},
	}
	f.database(c.Flags())
	c.Flags().StringVar(&labURL, "lab", "", "address of a carrier lab whose ledger is compared, as http://127.0.0.1:4010")
	return c
}

func tortureCommand() *cobra.Command {
	o := proof.TortureOptions{}
	c := &cobra.Command{
		Use:   "torture",
		Short: "Kill the server in mid-campaign, again and again, and verify",
		Long:  "Starts a server and a misbehaving carrier lab of its own on loopback, kills the server with SIGKILL at random moments, lets it finish, and\ncompares its books with the lab's ledger. Ends with one JSON line.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if o.Binary, err = os.Executable(); err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			if o.Seed == 0 {
				o.Seed = uint64(time.Now().UnixNano())
			}
			_, err = proof.Torture(c.Context(), o, c.OutOrStdout())
			return err
		},
	}
	c.Flags().IntVar(&o.Cycles, "cycles", 20, "how often to kill")
	c.Flags().IntVar(&o.PerCampaign, "recipients", 400, "recipients of each campaign")
	c.Flags().StringVar(&o.DatabaseURL, "database-url", "", "postgres://… to torture on PostgreSQL, in a schema of its own (default: SQLite)")
	c.Flags().Uint64Var(&o.Seed, "seed", 0, "moments of the kills (default: from the clock)")
	c.Flags().BoolVar(&o.Keep, "keep", false, "leave the folder with database and logs")
	return c
}

func benchCommand() *cobra.Command {
	o := proof.BenchOptions{}
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure the figures beside this machine's bare ceiling; one JSON line per figure at the end",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if o.Binary, err = os.Executable(); err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			_, err = proof.Bench(c.Context(), o, c.OutOrStdout())
			return err
		},
	}
	c.Flags().StringVar(&o.Only, "only", "", "run one part: dispatch, dispatch-postgres or import")
	c.Flags().StringVar(&o.DatabaseURL, "database-url", "", "postgres://… to measure dispatch there too")
	c.Flags().IntVar(&o.Rows, "rows", 1_000_000, "rows of the import")
	c.Flags().IntVar(&o.Messages, "messages", 100_000, "messages of the dispatch")
	c.Flags().IntVar(&o.Receipts, "receipts", 100_000, "receipts to post")
	return c
}
