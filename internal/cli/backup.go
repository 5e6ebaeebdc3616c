package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/overture-im/overture/internal/app"
)

const keyNotice = "the master key is NOT inside: without it provider credentials cannot be read. Keep a copy of it apart from the backups"

func backupCommand(s Streams) *cobra.Command {
	var f serverFlags
	var out string
	var recipients []string
	c := &cobra.Command{
		Use:   "backup",
		Short: "Copy the database into one checked file, also while the server runs (SQLite)",
		Long: "Takes a consistent copy of the database, checks it, and puts it into one file that is whole or not there. A running server on the same\n" +
			"data directory takes it itself and goes on sending. A server started on the restored copy is in quarantine: see overture restore.\n" +
			"With --age-recipient the file is encrypted. " + keyNotice + ".\n" +
			"On PostgreSQL use a base backup and WAL archiving: docs/OPERATIONS.md.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o, err := f.finish(c.ErrOrStderr())
			if err != nil {
				return err
			}
			if out == "" {
				out = "overture-" + time.Now().UTC().Format("20060102T150405Z") + ".backup"
			}
			size, err := takeBackup(c.Context(), o, out, recipients)
			if err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "%s: %d bytes, checked\n%s\n", out, size, keyNotice)
			return nil
		},
	}
	f.database(c.Flags())
	c.Flags().StringVar(&out, "out", "", "file to write; it must not exist (default: overture-TIME.backup here)")
	c.Flags().StringArrayVar(&recipients, "age-recipient", nil, "age public key (age1…) to encrypt to; may be given more than once")
	return c
}

// takeBackup writes beside the final name, makes the bytes durable, and renames: a file of that name is whole.
func takeBackup(ctx context.Context, o app.Options, out string, recipients []string) (size int64, err error) {
	if _, err := os.Stat(out); err == nil {
		return 0, &usage{fmt.Errorf("--out: %s exists already", out)}
	}
	partial := out + ".tmp"
	file, err := os.OpenFile(partial, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return 0, &usage{fmt.Errorf("--out: %w", err)}
	}
	defer func() {
		if err != nil {
			_ = os.Remove(partial)
		}
	}()
	door, running, err := findOperator(ctx, o)
	if err == nil {
		if running {
			err = door.backup(ctx, file, recipients)
		} else {
			err = app.Backup(ctx, o, file, recipients)
		}
	}
	if err == nil {
		size, err = file.Seek(0, io.SeekEnd)
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return 0, err
	}
	if err := os.Rename(partial, out); err != nil {
		return 0, fmt.Errorf("--out: %w", err)
	}
	return size, app.SyncDir(filepath.Dir(out))
}

func restoreCommand(s Streams) *cobra.Command {
	var dataDir, identity string
	c := &cobra.Command{
		Use:   "restore FILE --data-dir DIR",
		Short: "Put a backup into an empty data directory (SQLite)",
		Long: "Checks the backup, unpacks it and puts it in place; it never overwrites a database. The server that starts on it is in quarantine:\n" +
			"nothing is sent before every message that may have gone out since the backup has been looked up in the provider's record, and an\n" +
			"operator has said overture quarantine release. " + keyNotice + ".",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			file, err := os.Open(args[0])
			if err != nil {
				return &usage{err}
			}
			defer file.Close()
			var key io.Reader
			if identity != "" {
				opened, err := os.Open(identity)
				if err != nil {
					return &usage{fmt.Errorf("--age-identity: %w", err)}
				}
				defer opened.Close()
				key = opened
			}
			r, err := app.Restore(c.Context(), dataDir, file, key)
			if err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "restored into %s: the state of %s, %d bytes, checked\n", dataDir, r.Header.TakenAt.Format(time.RFC3339), r.Header.Size)
			if !r.MasterKey {
				fmt.Fprintln(s.Out, "no master.key in the data directory: put yours there, or give it with --master-key-file, BEFORE you start the server")
			}
			fmt.Fprintln(s.Out, "the server will start in quarantine: nothing is sent until you say overture quarantine release")
			return nil
		},
	}
	c.Flags().StringVar(&dataDir, "data-dir", "overture-data", "folder to restore into; it must hold no database")
	c.Flags().StringVar(&identity, "age-identity", "", "age identity file of an encrypted backup")
	return c
}
