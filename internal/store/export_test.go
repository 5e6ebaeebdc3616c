package store

// UnconfirmedSQL is for the test that looks at its plan.
const UnconfirmedSQL = unconfirmedSQL

// KeyedSQL are the statements of TransactByKey and QueryByKey that join, by name.
func KeyedSQL(s *Store) map[string]string {
	return map[string]string{
		"accept": acceptSQL, "mark": markAllSQL, "finish": finishAllSQL, "doubt": doubtAllSQL, "move": moveAllSQL, "due": s.dueSQL(),
		"senders": s.sendersWithWorkSQL(),
	}
}
