package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func accountCommand(s Streams) *cobra.Command {
	var a serverAddress
	c := &cobra.Command{
		Use:   "account",
		Short: "The account's kill switch and its limits",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	a.add(c.PersistentFlags())
	var reason string
	act := func(action, short, done string) *cobra.Command {
		return &cobra.Command{
			Use:   action,
			Short: short,
			Args:  cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				api, err := a.client()
				if err != nil {
					return err
				}
				if err := api.StopAccount(c.Context(), action, reason); err != nil {
					return err
				}
				fmt.Fprintln(s.Out, done)
				return nil
			},
		}
	}
	stop := act("stop", "Stop everything the account sends, on every node; nothing is lost", "the account is stopped; overture account start lets it go on")
	stop.Flags().StringVar(&reason, "reason", "", "why, for everybody who looks why nothing moves")
	c.AddCommand(limitsCommand(s, &a), stop, act("start", "Let the account send again", "the account may send again"))
	return c
}
