package webhook

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/crashpoint"
	"github.com/overture-im/overture/internal/kit/twiliosign"
)

const (
	providerTwilio = "twilio"
	// maxForm in bytes: an inbound message has at most 1,600 characters and some forty short fields.
	maxForm = 64 << 10
)

func (d *Door) twilioStatus(w http.ResponseWriter, r *http.Request) {
	sender, form, query, err := d.twilio(w, r)
	if err != nil {
		d.fail(w, r, sender.ID, err)
		return
	}
	receipt, err := d.deps.Twilio.Status(form, query)
	if err != nil {
		d.fail(w, r, sender.ID, err)
		return
	}
	if receipt.MessageID != 0 { // without our query it is about a message that was not sent from here
		receipt.AccountID, receipt.SenderID, receipt.ReceivedAt = sender.AccountID, sender.ID, d.deps.Now()
		if err := d.deps.Receipts.Add(r.Context(), receipt); err != nil {
			d.fail(w, r, sender.ID, err)
			return
		}
	}
	crashpoint.Pass("CP12c")
	w.WriteHeader(http.StatusNoContent)
}

func (d *Door) twilioInbound(w http.ResponseWriter, r *http.Request) {
	sender, form, _, err := d.twilio(w, r)
	if err != nil {
		d.fail(w, r, sender.ID, err)
		return
	}
	in, err := d.deps.Twilio.Inbound(form)
	if err != nil {
		d.fail(w, r, sender.ID, err)
		return
	}
	in.AccountID, in.SenderID, in.ReceivedAt = sender.AccountID, sender.ID, d.deps.Now()
	if err := d.deps.Inbound.Receive(r.Context(), sender, in); err != nil {
		d.fail(w, r, sender.ID, err)
		return
	}
	crashpoint.Pass("CP12d")
	w.Header().Set("Content-Type", "text/xml")
	_, _ = io.WriteString(w, "<Response/>") // stored: the answer's fate does not matter
}

// twilio finds the sender of the path and checks who calls. Nothing is stored before it returns without error.
func (d *Door) twilio(w http.ResponseWriter, r *http.Request) (sender overture.Sender, form, query url.Values, err error) {
	known, err := d.senders.find(r.Context(), providerTwilio, r.PathValue("key"))
	if err != nil {
		return sender, nil, nil, err
	}
	sender = known.sender
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return sender, nil, nil, &overture.Error{Kind: overture.TooLarge, Code: "too_large", Message: "a webhook has at most 64 KiB"}
		}
		return sender, nil, nil, &overture.Error{Kind: overture.Invalid, Code: "body_unreadable", Message: "the body could not be read", Err: err}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return sender, nil, nil, overture.ErrInvalid("not_a_form", "a webhook is a form: application/x-www-form-urlencoded")
	}
	// What cannot be read cannot have been signed by the provider.
	forbidden := &overture.Error{
		Kind: overture.Forbidden, Code: "bad_signature",
		Message: "the signature does not fit; check the sender's auth token and the public URL of this server",
	}
	form, err1 := url.ParseQuery(string(body))
	query, err2 := url.ParseQuery(r.URL.RawQuery)
	if err1 != nil || err2 != nil {
		return sender, nil, nil, forbidden
	}
	called := d.deps.PublicURL + r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		called += "?" + r.URL.RawQuery
	}
	if !twiliosign.Valid(known.tokens, called, form, r.Header.Get(twiliosign.Header)) {
		return sender, nil, nil, forbidden
	}
	if form.Get("AccountSid") != sender.AccountSID {
		return sender, nil, nil, &overture.Error{Kind: overture.Forbidden, Code: "other_account", Message: "the webhook comes from another provider account than the sender's"}
	}
	return sender, form, query, nil
}
