package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/client"
)

// serverAddress is the flags of every command that speaks to a server.
type serverAddress struct{ url, key string }

const defaultURL = "http://127.0.0.1:8080"

func (a *serverAddress) add(flags *pflag.FlagSet) {
	flags.StringVar(&a.url, "url", "", "the server's address (default: of the last login, or "+defaultURL+")")
	flags.StringVar(&a.key, "api-key", "", "an API key, ovk_…; better set OVERTURE_API_KEY than this")
}

func (a *serverAddress) client() (*client.Client, error) {
	url, key := a.url, a.key
	if saved, err := readLogin(); err != nil {
		return nil, err
	} else if url == "" || url == saved.URL {
		url = cmpString(url, saved.URL)
		key = cmpString(key, saved.APIKey)
	}
	if key == "" {
		return nil, &overture.Error{
			Kind: overture.Unauthorized, Code: "no_key",
			Message: "no API key: set OVERTURE_URL and OVERTURE_API_KEY, or run: overture login",
		}
	}
	return client.New(client.Options{URL: cmpString(url, defaultURL), APIKey: overture.Secret(key)})
}

func cmpString(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// login is what the login command keeps for later commands.
type login struct {
	URL    string `json:"url"`
	APIKey string `json:"api_key"`
}

func loginFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the folder for settings: %w", err)
	}
	return filepath.Join(dir, "overture", "login.json"), nil
}

func readLogin() (login, error) {
	var l login
	path, err := loginFile()
	if err != nil {
		return l, nil //nolint:nilerr // no home, no saved login: flags and environment still work
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return l, fmt.Errorf("read the saved login: %w", err)
	}
	if err := json.Unmarshal(raw, &l); err != nil {
		return l, overture.ErrInvalid("bad_login_file", path+" is damaged; run overture login again")
	}
	return l, nil
}

func loginCommand(s Streams) *cobra.Command {
	var a serverAddress
	c := &cobra.Command{
		Use:   "login",
		Short: "Check an API key and keep it for later commands",
		Long:  "Checks an API key with the server and keeps both in your settings folder, readable by you only.\nThe key comes from --api-key, OVERTURE_API_KEY or the first line of standard input.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if a.key == "" {
				var err error
				if a.key, err = readKey(s); err != nil {
					return err
				}
			}
			api, err := client.New(client.Options{URL: cmpString(a.url, defaultURL), APIKey: overture.Secret(a.key)})
			if err != nil {
				return err
			}
			whose := "this server"
			me, err := api.Me(c.Context())
			switch {
			case err == nil && me.Account.Name != "":
				whose = me.Account.Name
			case err != nil && overture.KindOf(err) != overture.Forbidden: // forbidden: the key is good, it only may not ask
				return err
			}
			path, err := saveLogin(login{URL: cmpString(a.url, defaultURL), APIKey: a.key})
			if err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "signed in to %s, kept in %s\n", whose, path)
			return nil
		},
	}
	a.add(c.Flags())
	return c
}

func readKey(s Streams) (string, error) {
	if f, ok := s.In.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(s.Err, "API key: ")
		raw, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(s.Err)
		if err != nil {
			return "", fmt.Errorf("read the key: %w", err)
		}
		return strings.TrimSpace(string(raw)), nil
	}
	var line string
	if _, err := fmt.Fscanln(s.In, &line); err != nil || line == "" {
		return "", &usage{errors.New("give the key with --api-key, OVERTURE_API_KEY or on standard input")}
	}
	return line, nil
}

func saveLogin(l login) (string, error) {
	path, err := loginFile()
	if err != nil {
		return "", err
	}
	raw, err := json.MarshalIndent(l, "", "  ") //nolint:gosec // keeping the key is what the person asked for; the file is theirs alone
	if err != nil {
		return "", fmt.Errorf("encode the login: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("create the folder for settings: %w", err)
	}
	if err := os.WriteFile(path, append(raw, '\n'), 0o600); err != nil {
		return "", fmt.Errorf("keep the login: %w", err)
	}
	return path, nil
}
