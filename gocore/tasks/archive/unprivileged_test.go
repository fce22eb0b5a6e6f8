package archive_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gostitch/gostitch/gocore/tasks/archive"
)

// unprivileged runs the calling test again as a user who may not read and
// write everything, and tells whether this is that run. Where the tests do not
// run as root it is, at once.
func unprivileged(t *testing.T) bool {
	t.Helper()
	if os.Getuid() != 0 {
		return true
	}
	// The test binary lies where only root can go, so it is copied.
	dir, err := os.MkdirTemp("", "unprivileged")
	must(t, err)
	defer os.RemoveAll(dir)
	must(t, os.Chmod(dir, 0o777))
	self, err := os.Executable()
	must(t, err)
	from, err := os.Open(self)
	must(t, err)
	defer from.Close()
	to, err := os.OpenFile(filepath.Join(dir, "test"), os.O_CREATE|os.O_WRONLY, 0o755)
	must(t, err)
	_, err = io.Copy(to, from)
	must(t, err)
	must(t, to.Close())
	cmd := exec.Command(to.Name(), "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("without privileges: %v\n%s", err, out)
	}
	return false
}

// An unreadable file or directory is the error of the system, with its path,
// and no archive is left.
func TestPackOfUnreadableEntries(t *testing.T) {
	t.Parallel()
	if !unprivileged(t) {
		return
	}
	for _, name := range []string{"big", "more", "a"} {
		root, out := filepath.Join(t.TempDir(), "root"), t.TempDir()
		writeSample(t, root)
		must(t, os.Chmod(filepath.Join(root, name), 0))
		_, err := archive.Pack(context.Background(), archive.PackOptions{Root: root, Archive: filepath.Join(out, "x")})
		must(t, os.Chmod(filepath.Join(root, name), 0o700))
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: got %v", name, err)
		}
		wantFailure(t, err, "", "path", filepath.Join(root, name))
		wantOnly(t, out)
	}
}

// An unreadable archive, and a destination where nothing may be made, are
// errors of the system with their paths.
func TestUnpackWithoutPermission(t *testing.T) {
	t.Parallel()
	if !unprivileged(t) {
		return
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "f"), nil, 0o644))
	file := filepath.Join(t.TempDir(), "x")
	pack(t, archive.PackOptions{Root: dir, Archive: file})
	locked := filepath.Join(t.TempDir(), "locked")
	must(t, os.Mkdir(locked, 0o555))
	_, err := archive.Unpack(context.Background(), archive.UnpackOptions{Archive: file, Dest: filepath.Join(locked, "to")})
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
	must(t, os.Chmod(file, 0))
	_, err = archive.Unpack(context.Background(), archive.UnpackOptions{Archive: file, Dest: filepath.Join(t.TempDir(), "to")})
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
	wantFailure(t, err, "", "path", file)
}

// Directories that are read-only in the archive are unpacked as such, into a
// new and into an empty destination, by a user for whom that is in the way.
func TestUnpackOfReadOnlyDirectories(t *testing.T) {
	t.Parallel()
	if !unprivileged(t) {
		return
	}
	root := filepath.Join(t.TempDir(), "root")
	must(t, os.MkdirAll(filepath.Join(root, "a", "b"), 0o755))
	must(t, os.WriteFile(filepath.Join(root, "a", "b", "f"), []byte("x"), 0o400))
	for _, dir := range []string{"a/b", "a"} {
		must(t, os.Chmod(filepath.Join(root, dir), 0o555))
	}
	file := filepath.Join(t.TempDir(), "x")
	pack(t, archive.PackOptions{Root: root, Archive: file})
	for _, dest := range []string{filepath.Join(t.TempDir(), "new"), t.TempDir()} {
		unpack(t, archive.UnpackOptions{Archive: file, Dest: dest})
		wantSame(t, snapshot(t, dest), snapshot(t, root))
		for _, dir := range []string{"a", "a/b"} {
			must(t, os.Chmod(filepath.Join(dest, dir), 0o755)) // or they could not be removed
		}
	}
	for _, dir := range []string{"a", "a/b"} {
		must(t, os.Chmod(filepath.Join(root, dir), 0o755))
	}
}
