package failure_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// An error made here has this function as its innermost frame.
func TestCallersStartWhereTheErrorWasMade(t *testing.T) {
	t.Parallel()
	err := failure.Argument("root", "must be a directory, got %q", "x")
	frame, _ := runtime.CallersFrames(err.Callers()).Next()
	if !strings.HasSuffix(frame.Function, "TestCallersStartWhereTheErrorWasMade") {
		t.Errorf("innermost frame is %s", frame.Function)
	}
	if err.Code() != failure.CodeInvalidArgument || err.Details()["argument"] != "root" {
		t.Errorf("got code %q, details %v", err.Code(), err.Details())
	}
}

// At keeps the meaning of an operating system error and names the path.
func TestAtKeepsTheCause(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	_, cause := os.Open(missing)
	err := failure.At(cause)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("errors.Is lost the cause: %v", err)
	}
	var known *failure.Error
	if !errors.As(err, &known) || known.Details()["path"] != missing {
		t.Errorf("details do not name %s: %v", missing, err)
	}
	if again := failure.At(err); again != err {
		t.Error("At wrapped an error that already has a stack")
	}
	if failure.At(nil) != nil {
		t.Error("At(nil) is not nil")
	}
}

// With leaves the original as it was, and %w becomes the cause.
func TestWithCopies(t *testing.T) {
	t.Parallel()
	base := failure.Data("a.tar", "truncated: %w", fs.ErrInvalid)
	more := base.With("offset", 12)
	if _, changed := base.Details()["offset"]; changed {
		t.Error("With changed the original")
	}
	if more.Details()["offset"] != 12 || more.Details()["path"] != "a.tar" {
		t.Errorf("details are %v", more.Details())
	}
	if !errors.Is(more, fs.ErrInvalid) {
		t.Error("the cause is lost")
	}
}

// A full disk is named as what it is, with what can be done.
func TestAtSaysWhatToDoOnAFullDisk(t *testing.T) {
	t.Parallel()
	for cause, hint := range map[error]string{
		syscall.ENOSPC: "/x: no space left on device; make room",
		syscall.EDQUOT: "/x: disk quota exceeded; make room",
		syscall.EFBIG:  "/x: file too large; raise the file-size limit",
		syscall.EACCES: "/x: permission denied",
	} {
		err := failure.At(&fs.PathError{Op: "write", Path: "/x", Err: cause})
		if !strings.Contains(err.Error(), hint) || !errors.Is(err, cause) {
			t.Errorf("got %q, want %q in it", err, hint)
		}
	}
}
