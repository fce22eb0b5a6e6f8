package gocore

import (
	"math"
	"os"
	"runtime/debug"
	"strings"
	"testing"
)

// Sizes are read as the Go runtime reads GOMEMLIMIT.
func TestParseBytes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"": math.MaxInt64, "off": math.MaxInt64, "5": 5, "5B": 5, "2KiB": 2048, "3GiB": 3 << 30, "1TiB": 1 << 40,
		"+5": 5, "-0MiB": 0, "0007KiB": 7 << 10, "8388607TiB": 8388607 << 40,
	} {
		if got, err := parseBytes(text); err != nil || got != want {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"3GB", "-1", "x", "9999999999TiB", "1.5GiB", "5BB", "5BKiB", "1KiBKiB", "1MiBKiB", "B", "KiB", " 5", "8388608TiB", "٣MiB"} {
		if got, err := parseBytes(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}

// The environment becomes exactly what was given, and the runtime follows.
func TestSetEnvironment(t *testing.T) {
	before := os.Environ()
	defer func() {
		if err := SetEnvironment(before); err != nil {
			t.Error(err)
		}
	}()
	t.Setenv("GOSTITCH_GONE", "1")
	limit := debug.SetMemoryLimit(-1)
	if err := SetEnvironment([]string{"A=b=c", "EMPTY=", "GOMEMLIMIT=1GiB", "GOMAXPROCS=1"}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(os.Environ(), " "); len(os.Environ()) != 4 || os.Getenv("A") != "b=c" {
		t.Errorf("the environment is %s", got)
	}
	if got := debug.SetMemoryLimit(-1); got != 1<<30 {
		t.Errorf("the memory limit is %d", got)
	}
	if err := SetEnvironment([]string{"GOMAXPROCS=two"}); CodeOf(err) != CodeInvalidArgument {
		t.Errorf("a wrong number gave %v", err)
	}
	debug.SetMemoryLimit(limit)
}

// Names of calls go on to be printed whatever the environment becomes.
func TestLabelsStay(t *testing.T) {
	labelsArePrinted = true
	defer func() { labelsArePrinted = false }()
	for given, want := range map[string]string{
		"A=b":                       "A=b GODEBUG=tracebacklabels=1",
		"GODEBUG=":                  "GODEBUG=tracebacklabels=1",
		"GODEBUG=http2client=0":     "GODEBUG=http2client=0,tracebacklabels=1",
		"GODEBUG=tracebacklabels=0": "GODEBUG=tracebacklabels=0",
	} {
		if got := strings.Join(keepLabels([]string{given}), " "); got != want {
			t.Errorf("%q becomes %q", given, got)
		}
	}
}
