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
	points, full := false, false
	only := ""
	c := &cobra.Command{
		Use:   "torture",
		Short: "Kill the server in mid-campaign, again and again, and verify",
		Long:  "Starts a server and a misbehaving carrier lab of its own on loopback, kills the server with SIGKILL at random moments, lets it finish, and\ncompares its books with the lab's ledger. Ends with one JSON line.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			err := startsItself(&o.Binary, &o.Seed)
			if err != nil {
				return err
			}
			if points {
				_, err = proof.CrashPoints(c.Context(), proof.FaultOptions{
					Binary: o.Binary, DatabaseURL: o.DatabaseURL, Only: only, Full: full, Seed: o.Seed, Keep: o.Keep,
				}, c.OutOrStdout())
				return err
			}
			_, err = proof.Torture(c.Context(), o, c.OutOrStdout())
			return err
		},
	}
	c.Flags().BoolVar(&points, "crash-points", false, "instead kill at each crash point CP1 to CP16 (docs/FAULTS.md); needs a binary built with -tags crashpoints")
	c.Flags().BoolVar(&full, "full", false, "with --crash-points: each at several passings")
	c.Flags().StringVar(&only, "only", "", "with --crash-points: these points, as CP3,CP12")
	c.Flags().IntVar(&o.Cycles, "cycles", 20, "how often to kill")
	c.Flags().IntVar(&o.PerCampaign, "recipients", 400, "recipients of each campaign")
	c.Flags().StringVar(&o.DatabaseURL, "database-url", "", "postgres://… to torture on PostgreSQL, in a schema of its own (default: SQLite)")
	c.Flags().IntVar(&o.Nodes, "nodes", 0, "servers on one PostgreSQL, of which one is killed in each cycle (default: 3; SQLite has 1)")
	c.Flags().Uint64Var(&o.Seed, "seed", 0, "moments of the kills (default: from the clock)")
	c.Flags().BoolVar(&o.Keep, "keep", false, "leave the folder with database and logs")
	return c
}

// startsItself gives what every proof needs: the program whose servers it starts, and a seed of the clock unless one was given. seed may be nil.
func startsItself(binary *string, seed *uint64) (err error) {
	if *binary, err = os.Executable(); err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if seed != nil && *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	return nil
}

func benchCommand() *cobra.Command {
	o := proof.BenchOptions{}
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure the figures beside this machine's bare ceiling; one JSON line per figure at the end",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			err := startsItself(&o.Binary, nil)
			if err != nil {
				return err
			}
			_, err = proof.Bench(c.Context(), o, c.OutOrStdout())
			return err
		},
	}
	c.Flags().StringVar(&o.Only, "only", "", "run one figure, as dispatch_sqlite_200, or one kind: dispatch, receipts, claim, import")
	c.Flags().BoolVar(&o.Quick, "quick", false, "small sizes: minutes instead of an hour, and less to be trusted")
	c.Flags().IntVar(&o.Repeat, "repeat", 0, "repetitions of each figure; the median counts (default 5)")
	c.Flags().StringVar(&o.DatabaseURL, "database-url", "", "postgres://… for the figures of PostgreSQL, in schemas of their own")
	c.Flags().IntVar(&o.Rows, "rows", 0, "rows of the import (default 1,000,000)")
	c.Flags().IntVar(&o.Messages, "messages", 0, "messages of one repetition of a dispatch figure (default 100,000)")
	c.Flags().IntVar(&o.Recipients, "recipients", 0, "recipients of the large campaigns (default 1,000,000)")
	c.Flags().IntVar(&o.Finished, "finished", 0, "finished messages under the claim (default 10,000,000)")
	c.Flags().DurationVar(&o.Receipts, "receipts", 0, "how long single receipts are posted (default 10m)")
	c.Flags().StringVar(&o.Profile, "profile", "", "folder for profiles of the servers: CPU, allocations, locks")
	return c
}
