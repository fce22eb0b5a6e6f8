package archive_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/gostitch/gostitch/gocore/tasks/archive"
	"github.com/gostitch/gostitch/gocore/tasks/internal/unprivileged"
)

// An unreadable file or directory is the error of the system, with its path,
// and no archive is left.
func TestPackOfUnreadableEntries(t *testing.T) {
	t.Parallel()
	if !unprivileged.Run(t) {
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
	if !unprivileged.Run(t) {
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
	if !unprivileged.Run(t) {
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
