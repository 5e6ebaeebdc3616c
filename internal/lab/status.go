package lab

// status of a message, in the order they are reached. Zero is none.
type status uint8

const (
	statusNone     status = iota
	statusAccepted        // first status with a messaging service
	statusQueued          // first status with a plain From
	statusSending
	statusSent
	statusDelivered
	statusUndelivered
	statusFailed
	statusCount
)

//nolint:gochecknoglobals // constant table
var statusNames = [statusCount]string{"", "accepted", "queued", "sending", "sent", "delivered", "undelivered", "failed"}

func (s status) String() string { return statusNames[s] }

func (s status) final() bool { return s >= statusDelivered }

func parseStatus(word string) status {
	for s, name := range statusNames {
		if name == word {
			return status(s)
		}
	}
	return statusNone
}
