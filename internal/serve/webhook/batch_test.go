package webhook_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/twiliosign"
	"github.com/overture-im/overture/internal/serve/webhook"
)

func (h *house) postBatch(key, signToken string, updates any) *httptest.ResponseRecorder {
	h.t.Helper()
	body, err := json.Marshal(updates)
	if err != nil {
		h.t.Fatal(err)
	}
	u, signature := twiliosign.SignJSON(signToken, public+"/hooks/lab/"+key+"/receipts", body)
	req := httptest.NewRequest(http.MethodPost, strings.TrimPrefix(u, public), strings.NewReader(string(body)))
	req.Header.Set(twiliosign.Header, signature)
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, req)
	return w
}

func TestBatchOfReceiptsIsStoredBeforeItsAnswer(t *testing.T) {
	h := open(t)
	h.accepted(31)
	id := overture.MessageID(31).String()
	updates := []webhook.Update{
		{Message: id, Token: "tok", ID: sid, Status: "sent"},
		{Message: id, Token: "tok", ID: sid, Status: "delivered"},
	}
	for range 2 { // a provider that lost our answer sends it again
		if w := h.postBatch(h.sender.WebhookKey, token, updates); w.Code != http.StatusNoContent {
			t.Fatalf("answered %d: %s", w.Code, w.Body)
		}
	}
	if n := h.number(`SELECT COUNT(*) FROM receipt`); n != 2 {
		t.Errorf("%d receipts stored, want 2", n)
	}
	if state := h.number(`SELECT state FROM message WHERE id = 31`); state != int(overture.Delivered) {
		t.Errorf("state is %d, want delivered", state)
	}
}

func TestBatchThatIsRefusedStoresNothing(t *testing.T) {
	h := open(t)
	h.accepted(31)
	good := webhook.Update{Message: overture.MessageID(31).String(), Token: "tok", ID: sid, Status: "delivered"}
	many := make([]webhook.Update, 1001)
	for name, c := range map[string]struct {
		key, token string
		updates    any
		want       int
	}{
		"unknown sender":     {"wk_other", token, []webhook.Update{good}, http.StatusNotFound},
		"signed by another":  {h.sender.WebhookKey, "wrong", []webhook.Update{good}, http.StatusForbidden},
		"no list":            {h.sender.WebhookKey, token, good, http.StatusBadRequest},
		"too many":           {h.sender.WebhookKey, token, many, http.StatusBadRequest},
		"one without a name": {h.sender.WebhookKey, token, []webhook.Update{good, {Token: "tok", ID: sid, Status: "sent"}}, http.StatusBadRequest},
	} {
		if w := h.postBatch(c.key, c.token, c.updates); w.Code != c.want {
			t.Errorf("%s: answered %d, want %d", name, w.Code, c.want)
		}
	}
	if n := h.rows(); n != 0 {
		t.Errorf("%d rows were written", n)
	}
}
