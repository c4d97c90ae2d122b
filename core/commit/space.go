package commit

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// SpaceError is the error of a write that did not fit. errors.Is on it finds the system's reason: ENOSPC (the file
// system is full), EDQUOT (the user's quota is), EFBIG (the file is larger than the file system or the process's limit
// RLIMIT_FSIZE allows).
type SpaceError struct {
	Path string // the destination
	Op   string // "create", "reserve", "write", "sync"
	Need int64  // bytes that the file needs, as far as known; 0 unknown
	Free int64  // bytes free to this user on the file system, or the limit on a file's size for EFBIG; -1 unknown
	Err  error
}

func (e *SpaceError) Error() string {
	s := e.Err.Error()
	switch {
	case e.Free < 0 && e.Need > 0:
		return fmt.Sprintf("%s (needs %d bytes)", s, e.Need)
	case e.Free < 0:
		return s
	}
	have := fmt.Sprintf("%d bytes are free", e.Free)
	if errors.Is(e.Err, unix.EFBIG) {
		have = fmt.Sprintf("a file may have %d bytes (ulimit -f)", e.Free)
	}
	if errors.Is(e.Err, unix.EDQUOT) {
		have = fmt.Sprintf("%d bytes are free, but this user's quota is used up", e.Free)
	}
	if e.Need > 0 {
		return fmt.Sprintf("%s (needs %d bytes, %s)", s, e.Need, have)
	}
	return fmt.Sprintf("%s (%s)", s, have)
}

// Unwrap returns the system's error with its text.
func (e *SpaceError) Unwrap() error { return e.Err }

// spaceError wraps err as a *SpaceError if it is about space, and returns it as it is otherwise. held is the bytes of disk
// that the temporary file, which is about to go, still has: they count as free, for the next try gets them too.
func spaceError(path, op string, need, held int64, err error) error {
	if !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EDQUOT) && !errors.Is(err, unix.EFBIG) {
		return err
	}
	e := &SpaceError{Path: path, Op: op, Need: need, Free: -1, Err: err}
	if errors.Is(err, unix.EFBIG) {
		var lim unix.Rlimit
		if unix.Getrlimit(unix.RLIMIT_FSIZE, &lim) == nil && lim.Cur < 1<<62 {
			e.Free = int64(lim.Cur)
		}
		return e
	}
	var st unix.Statfs_t
	if unix.Statfs(filepath.Dir(path), &st) == nil {
		e.Free = int64(st.Bavail)*st.Bsize + held
	}
	return e
}
