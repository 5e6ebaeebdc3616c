package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/client"
	"github.com/overture-im/overture/internal/kit/tz"
)

func forecastCommand(s Streams, a *serverAddress) *cobra.Command {
	var at string
	var rate int
	var compare, asJSON bool
	c := &cobra.Command{
		Use:   "forecast CAMPAIGN",
		Short: "What will happen, hour by hour and zone by zone; or what was forecast beside what happened",
		Long: "Plays the planner on a virtual clock over the campaign's list and changes nothing. Of a launched campaign: the rest, from now on.\n\n" +
			"HELD are those who wait for their sending window to open, QUEUED those who may go and wait for their turn at the rate, both at the\n" +
			"end of the hour. Times are yours; the zones' own stand beside them.",
		Args: exactly(1, "the id of a campaign"),
		RunE: func(c *cobra.Command, args []string) error {
			if compare && (at != "" || rate != 0) {
				return &usage{errors.New("--compare shows what was launched: leave --at and --rate out")}
			}
			api, err := a.client()
			if err != nil {
				return err
			}
			if compare {
				x, err := api.CompareForecast(c.Context(), args[0])
				if err == nil && asJSON {
					return printJSON(s.Out, x.Raw)
				}
				if err == nil {
					err = showComparison(s.Out, x)
				}
				return err
			}
			f, err := api.Forecast(c.Context(), args[0], at, rate)
			if err == nil && asJSON {
				return printJSON(s.Out, f.Raw)
			}
			if err == nil {
				err = showForecast(s.Out, f)
			}
			return err
		},
	}
	c.Flags().StringVar(&at, "at", "", "launch time to try, as 2026-12-01T09:00:00+01:00, or now (default: the draft's own)")
	c.Flags().IntVar(&rate, "rate", 0, "segments per second to try (default: the campaign's own)")
	c.Flags().BoolVar(&compare, "compare", false, "the forecast of the launch beside what happened")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// barWidth is the length of the longest bar.
const barWidth = 30

// maxLines bounds a table of hours: what is more is said to be there.
const maxLines = 72

func showForecast(out io.Writer, f client.Forecast) error {
	fmt.Fprintf(out, "%d recipients, %d sent, %d segments%s\n", f.Recipients, f.Sent, f.Segments, costWords(f.ForecastCell, f.Currency))
	if f.Ended > 0 {
		fmt.Fprintf(out, "%d have gone or ended before\n", f.Ended)
	}
	fmt.Fprintf(out, "starts %s, finishes %s, at %d segments per second\n", clockOf(f.StartAt), clockOf(f.FinishAt), min(f.Rate, f.SenderRate))
	for _, w := range f.Words {
		fmt.Fprintf(out, "  %s\n", printable(w))
	}
	for _, n := range f.Notes {
		fmt.Fprintf(out, "  note: %s\n", n)
	}
	fmt.Fprintln(out)
	most := 1
	for _, h := range f.Hours {
		most = max(most, h.Sent)
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "HOUR\tSENT\tSKIPPED\tHELD\tQUEUED\tCOST\t")
	quiet := 0
	lines := 0
	for i, h := range f.Hours {
		if h.Sent == 0 && len(h.Skipped) == 0 && i > 0 && i < len(f.Hours)-1 {
			quiet++
			continue
		}
		quiet = restOf(w, quiet)
		if lines++; lines > maxLines {
			fmt.Fprintf(w, "… and so on until %s; --json has every hour\t\t\t\t\t\t\n", clockOf(f.FinishAt))
			break
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\t%s\n", clockOf(h.Start), h.Sent, total(h.Skipped), h.Held, h.Queued, costOf(h.ForecastCell, f.Currency), bar(h.Sent, most))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	fmt.Fprintln(w, "ZONE\tRECIPIENTS\tSENT\tSKIPPED\tHELD UNTIL\tFIRST\tLAST\tCOST")
	for i, z := range f.Zones {
		if i == maxLines {
			fmt.Fprintf(w, "… and %d more; --json has them all\t\t\t\t\t\t\t\n", len(f.Zones)-maxLines)
			break
		}
		held := "–"
		if z.Held > 0 {
			held = fmt.Sprintf("%d never", z.Held)
			if z.HeldUntil != nil {
				held = fmt.Sprintf("%d %s", z.Held, clockIn(z.HeldUntil, z.Zones))
			}
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\n", zoneName(z.Zones), z.Recipients, z.Sent, skipsOf(z.Skipped), held,
			clockIn(z.FirstSendAt, z.Zones), clockIn(z.LastSendAt, z.Zones), costOf(z.ForecastCell, f.Currency))
	}
	return w.Flush()
}

// restOf writes that nothing happens for some hours.
func restOf(w io.Writer, hours int) int {
	if hours > 0 {
		fmt.Fprintf(w, "… %d h of waiting\t\t\t\t\t\t\n", hours)
	}
	return 0
}

func showComparison(out io.Writer, x client.Comparison) error {
	fmt.Fprintf(out, "%s: forecast %d sent, really %d; skipped %d and %d; %d failed, %d held, %d waiting\n", x.State, x.Forecast.Sent, x.Actual.Sent,
		total(x.Forecast.Skipped), total(x.Actual.Skipped), x.Actual.Failed, x.Actual.Held, x.Actual.Waiting)
	end := "–"
	if x.Actual.FinishedAt != nil {
		end = clockOf(*x.Actual.FinishedAt)
	}
	fmt.Fprintf(out, "forecast to finish %s; last one %s\n", clockOf(x.Forecast.FinishAt), end)
	if x.Forecast.Currency != "" {
		fmt.Fprintf(out, "forecast to cost %s; really %s\n", costOf(x.Forecast.ForecastCell, x.Forecast.Currency), costOf(x.Actual.ForecastCell, x.Forecast.Currency))
	}
	for _, w := range x.Words {
		fmt.Fprintf(out, "  %s\n", printable(w))
	}
	fmt.Fprintln(out)
	most := 1
	for _, h := range x.Hours {
		most = max(most, h.Forecast.Sent, h.Actual.Sent)
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "HOUR\tFORECAST\tREALLY\tDIFFERENCE\t")
	lines := 0
	for _, h := range x.Hours {
		if h.Forecast.Sent == 0 && h.Actual.Sent == 0 && len(h.Actual.Skipped) == 0 {
			continue
		}
		if lines++; lines > maxLines {
			fmt.Fprintln(w, "… and so on; --json has every hour\t\t\t\t")
			break
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%+d\t%s\n", clockOf(h.Start), h.Forecast.Sent, h.Actual.Sent, h.Actual.Sent-h.Forecast.Sent, bar(h.Actual.Sent, most))
	}
	return w.Flush()
}

func bar(n, most int) string {
	full := (n*barWidth + most - 1) / most
	return strings.Repeat("█", full)
}

func total(skipped map[string]int) int {
	n := 0
	for _, v := range skipped {
		n += v
	}
	return n
}

func skipsOf(skipped map[string]int) string {
	if len(skipped) == 0 {
		return "–"
	}
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(skipped)) {
		parts = append(parts, fmt.Sprintf("%d %s", skipped[reason], strings.ReplaceAll(reason, "_", " ")))
	}
	return strings.Join(parts, ", ")
}

func costOf(c client.ForecastCell, currency string) string {
	if currency == "" {
		return "–"
	}
	text := overture.Money(c.CostMicros) + " " + currency
	if c.UnpricedSegments > 0 {
		text += fmt.Sprintf(" + %d unpriced", c.UnpricedSegments)
	}
	return text
}

func costWords(c client.ForecastCell, currency string) string {
	if currency == "" {
		return "; no prices (overture prices set FILE, before the launch)"
	}
	return ", " + costOf(c, currency)
}

func zoneName(zones []string) string {
	if len(zones) == 0 {
		return "unknown"
	}
	return strings.Join(zones, " / ")
}

func clockOf(t time.Time) string { return t.Local().Format("Mon 2006-01-02 15:04") }

// clockIn shows a moment on the clock of the zone, the first where there are several.
func clockIn(t *time.Time, zones []string) string {
	if t == nil || t.IsZero() {
		return "–"
	}
	if len(zones) > 0 {
		if loc, err := tz.Load(zones[0]); err == nil {
			return t.In(loc).Format("Mon 15:04 MST")
		}
	}
	return t.UTC().Format("Mon 15:04 MST")
}
