package failure

import (
	"errors"
	"syscall"
)

// remedy gives what to add to the system's own words where they leave open
// what there is too little of, or "".
func remedy(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "; make room on that disk (see 'df', and 'df -i' for too many files)"
	case errors.Is(err, syscall.EDQUOT):
		return "; make room, or have the quota of this user raised"
	case errors.Is(err, syscall.EFBIG):
		return "; raise the file-size limit of this process (see 'ulimit -f'), or write to a file system that has no smaller one"
	}
	return ""
}
