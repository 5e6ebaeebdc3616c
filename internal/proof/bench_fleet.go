package proof

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/overture-im/overture/internal/client"
)

// fleet is a rig with a door to each of its nodes.
type fleet struct {
	rig  *Rig
	apis []*client.Client // one per node
}

func newFleet(ctx context.Context, o RigOptions) (*fleet, error) {
	rig, err := NewRig(ctx, o)
	if err != nil {
		return nil, err
	}
	f := &fleet{rig: rig}
	for _, n := range rig.nodes {
		api, err := client.New(client.Options{URL: "http://" + n.listen, Tries: 20})
		if err == nil {
			err = api.SignIn(ctx, rigEmail, rigPassword)
		}
		if err != nil {
			_ = rig.Close()
			return nil, fmt.Errorf("sign in at node %d: %w", n.number, err)
		}
		f.apis = append(f.apis, api)
	}
	return f, nil
}

// api of the node that looks after the i-th sender: who resumes its campaign is woken first and takes its lease.
func (f *fleet) api(i int) *client.Client { return f.apis[i%len(f.apis)] }

// launchPaused makes a campaign of the i-th sender with n recipients from first on, launches it and pauses it at once: it is planned and
// waits.
func (f *fleet) launchPaused(ctx context.Context, i, first, n int) (string, error) {
	c, err := f.rig.draft(ctx, f.rig.Senders[i], fmt.Sprintf("Bench %d", i), 0)
	if err != nil {
		return "", err
	}
	if err := f.rig.uploadRows(ctx, c, first, n); err != nil {
		return "", err
	}
	// Launched for later, so that nothing is sent before the pause; the pause ends when the repetitions resume it.
	soon := time.Now().Add(3 * time.Second)
	if _, err := f.rig.API.Launch(ctx, c, true, &soon, "launch-"+c); err != nil {
		return "", fmt.Errorf("launch: %w", err)
	}
	_, err = f.rig.API.Act(ctx, c, "pause", nil)
	return c, err
}

// uploadRows gives a draft a list of n fictional recipients.
func (r *Rig) uploadRows(ctx context.Context, campaign string, first, n int) error {
	file := io.NewSectionReader(listOf(first, n), 0, int64(n)*listRow)
	if _, err := r.API.Upload(ctx, campaign, file, "people.csv", nil, nil); err != nil {
		return fmt.Errorf("upload list: %w", err)
	}
	return nil
}

func (f *fleet) pids() []int {
	var pids []int
	for i := range f.rig.nodes {
		pids = append(pids, f.rig.NodePID(i))
	}
	return pids
}

// cpu is the processor time of all servers.
func (f *fleet) cpu() time.Duration {
	var sum time.Duration
	for _, pid := range f.pids() {
		sum += cpuOf(pid)
	}
	return sum
}

// loadAverage of the machine over the last minute, in words; a figure taken beside other work says so.
func loadAverage() string {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(raw), " ")
	return first
}
