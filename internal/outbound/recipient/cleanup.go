package recipient

import (
	"context"
	"time"
)

// Cleanup removes the rows of imports that died: of a process that was killed, of a node that is silent. Run it at start before serving, and
// every minute. Until then such rows are invisible, and their campaign takes no new list and cannot be launched.
func (r *Room) Cleanup(ctx context.Context) error {
	dead, err := r.Store.DeadImports(ctx, time.Now().Add(-deadAfter))
	if err != nil {
		return err
	}
	for _, im := range dead {
		if r.isLive(im.ID) {
			continue
		}
		if err := r.Store.AbandonImport(ctx, im, "the server stopped while the list was loaded; upload it again", time.Now()); err != nil {
			return err
		}
		if err := r.Store.RemoveImport(ctx, im); err != nil {
			return err
		}
		r.Log.InfoContext(ctx, "removed the rows of a list that was not loaded to its end", "import_id", im.ID.String(), "campaign_id", im.CampaignID.String())
	}
	return nil
}
