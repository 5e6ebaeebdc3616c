package overture

// IdempotentCall names one request that carries an Idempotency-Key. A call is the same when account, route and key are the same.
type IdempotentCall struct {
	AccountID AccountID
	Route     string // method and pattern
	Key       string // as the caller chose it
	Claim     string // random; names the process and request that carries the call out
	BodyHash  string // SHA-256 over who asks, path and body; empty while a body is still being streamed
}

// IdempotentAnswer is what the first request with a key got, kept to be given again.
type IdempotentAnswer struct {
	Status      int
	ContentType string
	Body        []byte
	BodyHash    string // of the first request
}
