package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/app"
	"github.com/overture-im/overture/internal/lab"
	"github.com/overture-im/overture/internal/store"
)

// serverFlags are what serve, migrate and verify share.
type serverFlags struct {
	options   app.Options
	masterKey string
	operator  string
	oidc      string
	minFree   int
	logLevel  string
	logFormat string
}

func (f *serverFlags) database(flags *pflag.FlagSet) {
	flags.StringVar(&f.options.DataDir, "data-dir", "overture-data", "folder of the SQLite database and the master key")
	flags.StringVar(&f.options.DatabaseURL, "database-url", "", "postgres://… to use PostgreSQL instead of SQLite")
	flags.StringVar(&f.options.MasterKeyFile, "master-key-file", "", "file with 32 bytes in base64 that seal provider credentials (default: master.key in the data directory)")
	flags.StringVar(&f.masterKey, "master-key", "", "the master key itself; better set in the environment than here")
	f.logging(flags)
}

func (f *serverFlags) logging(flags *pflag.FlagSet) {
	flags.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&f.logFormat, "log-format", "text", "text or json")
}

func (f *serverFlags) server(flags *pflag.FlagSet) {
	flags.StringVar(&f.options.Listen, "listen", "127.0.0.1:8080", "address to listen on; port 0 takes a free one")
	flags.StringVar(&f.options.PublicURL, "public-url", "", "address that providers and browsers reach, https://… (default: the address listened on)")
	flags.BoolVar(&f.options.Lab, "lab", false, "allow senders that point at a carrier lab, and shorter waiting times; never with real senders")
	flags.StringVar(&f.options.LabURL, "lab-url", "http://127.0.0.1:4010", "where the carrier lab listens, for the console's virtual phones")
	flags.IntVar(&f.options.Node, "node", 0, "number of this node, 0 to 255, another one for each node on one database")
	flags.BoolVar(&f.options.TrustProxy, "trust-proxy", false, "take the client's address from X-Forwarded-For; only behind a proxy of your own")
	flags.StringVar(&f.operator, "operator-token", "", "opens /operator/… and /healthz?verbose; better set in the environment than here (default: made at each start, see operator.json in the data directory)")
	flags.IntVar(&f.minFree, "min-free-disk", 256, "MiB that must be free on the data directory's disk, or /readyz is red")
	flags.BoolVar(&f.options.Synchronous, "synchronous-standby", false, "every standby of PostgreSQL is synchronous, so that a promotion loses nothing and begins no quarantine")
	single := &f.options.SingleSignOn
	flags.StringVar(&single.Issuer, "oidc-issuer", "", "identity provider (OpenID Connect) that people may sign in with, https://…; they must be users here already")
	flags.StringVar(&single.ClientID, "oidc-client-id", "", "this server's id at the identity provider; its redirect address is <public-url>/v1/session/oidc/callback")
	flags.StringVar(&f.oidc, "oidc-client-secret", "", "this server's secret at the identity provider; better set in the environment than here")
	flags.StringVar(&single.Name, "oidc-name", "", "the identity provider's name on the sign-in page (default: its host)")
	s := &f.options.Send
	flags.IntVar(&s.Connections, "connections", 64, "requests to providers under way at once, per sender")
	flags.DurationVar(&s.ClientTimeout, "client-timeout", 0, "time for one request to a provider (default 15s)")
	flags.DurationVar(&s.Deadline, "send-deadline", 0, "time between recording an attempt and sending it (default 5s)")
	flags.DurationVar(&s.ProviderDelay, "provider-delay", 0, "the longest time a provider takes to show an accepted message in its record (default 1m40s)")
	flags.DurationVar(&s.Grace, "grace", 0, "time before a provider is asked about an unknown outcome (default 2m)")
	flags.DurationVar(&s.LookupSpacing, "lookup-spacing", 0, "time between the two questions (default 1m)")
	flags.DurationVar(&s.HoldAfter, "hold-after", 0, "time of failed questions after which a person decides; another than 24h only with --lab (default 24h)")
	flags.DurationVar(&s.AskAfter, "ask-after", 0, "age at which the provider is asked about an accepted message without a last receipt; again at 12 and 144 times that (default 10m)")
	flags.DurationVar(&s.LeaseTTL, "lease-ttl", 0, "time a dead node's senders stay with it (default 10s)")
}

func (f *serverFlags) finish(w io.Writer) (app.Options, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return app.Options{}, &usage{fmt.Errorf("--log-level: use debug, info, warn or error, not %q", f.logLevel)}
	}
	handler := &slog.HandlerOptions{Level: level}
	switch f.logFormat {
	case "text":
		f.options.Log = slog.New(slog.NewTextHandler(w, handler))
	case "json":
		f.options.Log = slog.New(slog.NewJSONHandler(w, handler))
	default:
		return app.Options{}, &usage{fmt.Errorf("--log-format: use text or json, not %q", f.logFormat)}
	}
	f.options.MasterKey, f.options.OperatorToken = overture.Secret(f.masterKey), overture.Secret(f.operator)
	f.options.SingleSignOn.ClientSecret = overture.Secret(f.oidc)
	f.options.MinFreeDisk = int64(f.minFree) << 20
	return f.options, nil
}

func labCommand() *cobra.Command {
	var f serverFlags
	var listen string
	var o lab.Options
	c := &cobra.Command{
		Use:   "lab",
		Short: "Run a carrier lab: a simulated provider with virtual phones, for trying things out",
		Long:  "The lab behaves like Twilio over real HTTP, with virtual phones that receive and answer, faults on request, and a ledger of what it\naccepted. Run the server with --lab to let its senders use it. It listens on loopback only.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			logging, err := f.finish(c.ErrOrStderr())
			if err != nil {
				return err
			}
			o.Logger = logging.Log
			return lab.Serve(c.Context(), listen, o, c.OutOrStdout())
		},
	}
	f.logging(c.Flags())
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:4010", "loopback address to listen on; port 0 takes a free one")
	c.Flags().Uint64Var(&o.Seed, "seed", 0, "same seed, same faults and same phones")
	c.Flags().IntVar(&o.KeepBodies, "texts", 100_000, "how many different texts it keeps in memory; -1: all; older ones are read back from --ledger, or listed without a text, as redacted ones are")
	c.Flags().StringVar(&o.LedgerPath, "ledger", "", "file that keeps the ledger over restarts (default: in memory)")
	c.Flags().BoolVar(&o.Open, "open", false, "take any account and from-number as they come")
	return c
}

func serveCommand() *cobra.Command {
	var f serverFlags
	var profile profiles
	var memory string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the server until it is told to stop",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o, err := f.finish(c.ErrOrStderr())
			if err != nil {
				return err
			}
			if err := limitMemory(memory, heapGrowth(o.DatabaseURL != ""), o.Log); err != nil {
				return &usage{err}
			}
			o.SetupLink = func(link string) {
				fmt.Fprintln(c.OutOrStdout(), "This server has no account yet. Make the first one in a browser: "+link)
			}
			a, err := app.New(o)
			if err != nil {
				return err
			}
			stop, err := profile.start()
			if err != nil {
				return err
			}
			return errors.Join(a.Run(c.Context()), stop())
		},
	}
	f.database(c.Flags())
	f.server(c.Flags())
	c.Flags().StringVar(&memory, "memory-limit", "auto", "soft limit of memory, as 512MiB; off: none; auto: GOMEMLIMIT, else 80% of the container's limit, else half of the machine's memory")
	profile.flags(c.Flags())
	return c
}

func migrateCommand() *cobra.Command {
	var f serverFlags
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to this program's schema and stop (serve does it too)",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o, err := f.finish(c.ErrOrStderr())
			if err != nil {
				return err
			}
			db, err := store.Open(c.Context(), store.Options{DataDir: o.DataDir, DatabaseURL: o.DatabaseURL})
			if err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), "the database has this program's schema")
			return db.Close()
		},
	}
	f.database(c.Flags())
	return c
}
