package store

// UnconfirmedSQL is for the test that looks at its plan.
const UnconfirmedSQL = unconfirmedSQL
