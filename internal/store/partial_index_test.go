package store_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The unique index of messages per recipient is partial (campaign_id > 0). SQLite uses it only where a query repeats that condition, and walks
// through every message of the installation where it does not: that once made each reply a full scan.
func TestJoinsToMessagesOfRecipientsUseTheIndex(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	join := regexp.MustCompile(`JOIN message (\w+) ON \w+\.campaign_id = [^\n]*`)
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range join.FindAllStringSubmatch(string(source), -1) {
			if strings.Contains(m[0], ".recipient_id") && !strings.Contains(m[0], m[1]+".campaign_id > 0") {
				t.Errorf("%s: %s\nadd: AND %s.campaign_id > 0", file, m[0], m[1])
			}
		}
	}
}
