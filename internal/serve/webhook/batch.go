package webhook

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/twiliosign"
)

const (
	maxUpdates = 1000    // in one post, as Meta packs them
	maxBatch   = 1 << 20 // bytes
)

// Update is one receipt in a post of many, in the carrier lab's own shape.
type Update struct {
	Message string `json:"message"` // our id, as it stood in the callback URL
	Token   string `json:"token"`
	ID      string `json:"id"`     // the provider's
	Status  string `json:"status"` // Twilio's words
	Code    int    `json:"code,omitempty"`
}

// batch takes posts of many receipts. It is open only while the server runs with the lab: no provider of ours packs receipts yet, and
// what is behind the door is the same for those that will. The body is signed through its hash in the URL.
func (d *Door) batch(w http.ResponseWriter, r *http.Request) {
	known, err := d.senders.find(r.Context(), providerTwilio, r.PathValue("key"))
	if err != nil {
		d.fail(w, r, 0, err)
		return
	}
	receipts, err := d.updates(w, r, known)
	if err == nil {
		err = d.deps.Receipts.AddAll(r.Context(), receipts)
	}
	if err != nil {
		d.fail(w, r, known.sender.ID, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (d *Door) updates(w http.ResponseWriter, r *http.Request, known keptSender) ([]overture.Receipt, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBatch))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, &overture.Error{Kind: overture.TooLarge, Code: "too_large", Message: "a post of receipts has at most 1 MiB"}
		}
		return nil, &overture.Error{Kind: overture.Invalid, Code: "body_unreadable", Message: "the body could not be read", Err: err}
	}
	if !twiliosign.ValidJSON(known.tokens, d.deps.PublicURL+r.URL.EscapedPath()+"?"+r.URL.RawQuery, body, r.Header.Get(twiliosign.Header)) {
		return nil, &overture.Error{Kind: overture.Forbidden, Code: "bad_signature", Message: "the signature does not fit"}
	}
	var updates []Update
	if err := json.Unmarshal(body, &updates); err != nil || len(updates) > maxUpdates {
		return nil, overture.ErrInvalid("bad_updates", "the body is a JSON list of at most 1,000 updates")
	}
	receipts := make([]overture.Receipt, len(updates))
	form, query := url.Values{}, url.Values{}
	for i, u := range updates {
		form["MessageSid"], form["MessageStatus"], form["AccountSid"] = []string{u.ID}, []string{u.Status}, []string{known.sender.AccountSID}
		form["ErrorCode"] = []string{strconv.Itoa(u.Code)}
		query["m"], query["t"] = []string{u.Message}, []string{u.Token}
		if receipts[i], err = d.deps.Twilio.Status(form, query); err != nil {
			return nil, err
		}
		if receipts[i].MessageID == 0 {
			return nil, overture.ErrInvalid("bad_updates", "an update names no message")
		}
		receipts[i].AccountID, receipts[i].SenderID, receipts[i].ReceivedAt = known.sender.AccountID, known.sender.ID, d.deps.Now()
	}
	return receipts, nil
}
