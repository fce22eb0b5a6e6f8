// Package golden compares bytes that cross the boundary with the golden frames
// in gocore/codec/testdata/frames, which the Python tests read as well: what
// one side writes there, the other must understand.
//
//	go test ./gocore/... -run Golden -update
package golden

import (
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden frames instead of comparing with them")

// Check compares a frame with the golden one of that name.
func Check(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join(Dir(), name+".hex")
	if *update {
		if err := os.WriteFile(path, []byte(hex.EncodeToString(got)+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := Read(t, name); string(want) != string(got) {
		t.Errorf("frame %s is\n%x\nthe golden one is\n%x", name, got, want)
	}
}

// Read gives a golden frame.
func Read(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Dir(), name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	frame, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

// All gives every golden frame.
func All(t testing.TB) [][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(Dir(), "*.hex"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden frames in %s: %v", Dir(), err)
	}
	frames := make([][]byte, 0, len(paths))
	for _, path := range paths {
		frames = append(frames, Read(t, strings.TrimSuffix(filepath.Base(path), ".hex")))
	}
	return frames
}

// Dir is where the golden frames are.
func Dir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "codec", "testdata", "frames")
}
