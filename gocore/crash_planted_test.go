package gocore

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A pipe, to which POSIX lets nobody write who does not wait for a reader, and a link in the place
// of the file are errors at once.
func TestReportCrashToWhatIsNoFile(t *testing.T) {
	folder := t.TempDir()
	pipe, link, read := filepath.Join(folder, "pipe"), filepath.Join(folder, "link"), filepath.Join(folder, "read")
	victim := filepath.Join(folder, "victim")
	for _, err := range []error{
		unix.Mkfifo(pipe, 0o600), unix.Mkfifo(read, 0o600),
		os.WriteFile(victim, nil, 0o600), os.Symlink(victim, link),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	reader, err := os.OpenFile(read, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for _, path := range []string{pipe, link, read, folder} {
		done := make(chan error, 1)
		go func() { done <- ReportCrash(path) }()
		select {
		case err := <-done:
			if err == nil {
				t.Errorf("%s was taken for a file", path)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s was waited for", path)
		}
	}
}
