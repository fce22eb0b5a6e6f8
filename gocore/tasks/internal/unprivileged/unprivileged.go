// Package unprivileged has tests run without root's right to read and write
// everything.
package unprivileged

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Run runs the calling test again as a user who may not read and write
// everything, and tells whether this is that run. Where the tests do not run
// as root it is, at once.
func Run(t *testing.T) bool {
	t.Helper()
	if os.Getuid() != 0 {
		return true
	}
	dir, err := os.MkdirTemp("", "unprivileged")
	if err == nil {
		defer os.RemoveAll(dir)
		err = os.Chmod(dir, 0o777)
	}
	program := filepath.Join(dir, "test")
	if err == nil {
		err = copySelf(program)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("without privileges: %v\n%s", err, out)
	}
	return false
}

// copySelf copies the test's binary, which lies where only root can go.
func copySelf(path string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	from, err := os.Open(self)
	if err != nil {
		return err
	}
	defer from.Close()
	// A process that another test starts meanwhile would have the copy open for
	// writing until it executes, and the copy could not be executed: "text file
	// busy" (golang/go #22315).
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err = io.Copy(to, from); err != nil {
		to.Close()
		return err
	}
	return to.Close()
}
