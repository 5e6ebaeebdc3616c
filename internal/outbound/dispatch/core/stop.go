package core

import "fmt"

// stopSender orders to stop a sender whose credentials or number the provider rejects: none of its messages can go, and that is nobody's
// fault on the list.
func (m *Machine) stopSender(code int) {
	if m.stopped {
		return
	}
	m.stopped = true
	m.next.StopSender = fmt.Sprintf("the provider rejects this sender (code %v); correct its settings and start it again", code)
}

// TookStop takes the answer to StopSender. When it failed, the next refusal tries again.
func (m *Machine) TookStop(failed bool) {
	if failed {
		m.stopped = false
	}
}
