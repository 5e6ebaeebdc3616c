package api

import (
	"context"
	"io"
	"net/http"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

// exportRoom is what this resource needs of internal/insight/export.
type exportRoom interface {
	Campaigns(ctx context.Context, by overture.Actor, w io.Writer) error
	Recipients(ctx context.Context, by overture.Actor, id overture.CampaignID, w io.Writer) error
	Held(ctx context.Context, by overture.Actor, f overture.HeldFilter, w io.Writer) error
	Audit(ctx context.Context, by overture.Actor, f overture.AuditFilter, w io.Writer) error
}

const csvType = "text/csv; charset=utf-8"

func (a *API) registerExports() {
	a.handle(access.CampaignsRead, plain{
		Method: "GET", Path: "/v1/campaigns.csv", Summary: "All campaigns as CSV, oldest first", Tag: "campaigns", Produces: "text/csv",
		Description: "Cells that a spreadsheet would take for a formula begin with an apostrophe; numbers have no plus.",
	},
		func(w http.ResponseWriter, r *http.Request, who access.Identity) error {
			return a.deps.Exports.Campaigns(r.Context(), who.Actor(), download(w, "campaigns.csv"))
		})
	a.handle(access.RecipientsExport, plain{
		Method: "GET", Path: campaignPath + "/recipients.csv", Summary: "A campaign's recipients and messages as CSV", Tag: "recipients", Produces: "text/csv",
		Description: "In the order of the list, each with its state of now. Streamed. Cells that a spreadsheet would take for a formula begin with an apostrophe; numbers have no plus.",
	},
		func(w http.ResponseWriter, r *http.Request, who access.Identity) error {
			id, err := pathID[overture.CampaignID](r, "campaign")
			if err != nil {
				return err
			}
			return a.deps.Exports.Recipients(r.Context(), who.Actor(), id, download(w, id.String()+".csv"))
		})
}

// download sets the headers with the first byte, so that an error before it can still become a problem.
func download(w http.ResponseWriter, name string) io.Writer { return &file{w: w, name: name} }

type file struct {
	w     http.ResponseWriter
	name  string
	begun bool
}

// Write sends a piece of the file.
func (f *file) Write(p []byte) (int, error) {
	if !f.begun {
		f.begun = true
		h := f.w.Header()
		h.Set("Content-Type", csvType)
		h.Set("Content-Disposition", `attachment; filename="`+f.name+`"`)
		h.Set("X-Content-Type-Options", "nosniff")
	}
	return f.w.Write(p)
}
