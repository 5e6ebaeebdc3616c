package analytics

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/overture-im/overture/internal/kit/csvrow"
)

// seriesHeader names the columns. New columns go to the end.
var seriesHeader = []string{"from", "to", "zone", "sent", "accepted", "delivered", "undelivered", "waiting", "refused", "held", "replied", "answered", "opted_out"}

// WriteSeries writes the points of a report as CSV, with a byte order mark so that spreadsheets read it as UTF-8. Times carry the offset of the zone.
func (r *Reader) WriteSeries(ctx context.Context, q Query, now time.Time, w io.Writer) error {
	q.Compare, q.Campaigns = false, false
	got, err := r.Report(ctx, q, now)
	if err != nil {
		return err
	}
	text := csvrow.AppendSafe([]byte("\uFEFF"), seriesHeader...)
	for _, p := range got.Points {
		n := TotalsOf(p.SentCounts)
		cells := []string{p.From.Format(time.RFC3339), p.To.Format(time.RFC3339), got.Zone}
		for _, v := range []int{n.Sent, n.Accepted, n.Delivered, n.Undelivered, n.Waiting, n.Refused, n.Held, n.Replied, n.Answered, n.OptedOut} {
			cells = append(cells, strconv.Itoa(v))
		}
		text = csvrow.AppendSafe(text, cells...)
	}
	_, err = w.Write(text)
	return err
}
