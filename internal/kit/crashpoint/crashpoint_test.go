package crashpoint

import "testing"

// TestReleasedBinariesLive: only the build tag makes a place deadly.
func TestReleasedBinariesLive(t *testing.T) {
	if Built {
		t.Skip("built with the tag")
	}
	t.Setenv("OVERTURE_CRASH_AT", "CP3:1")
	Pass("CP3")
}
