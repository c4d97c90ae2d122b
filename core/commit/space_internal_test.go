package commit

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSpaceErrorText(t *testing.T) {
	for _, c := range []struct {
		err        error
		need, free int64
		want       string
	}{
		{unix.ENOSPC, 10, 4, "x: no space left on device (needs 10 bytes, 4 bytes are free)"},
		{unix.ENOSPC, 0, 4, "x: no space left on device (4 bytes are free)"},
		{unix.ENOSPC, 10, -1, "x: no space left on device (needs 10 bytes)"},
		{unix.ENOSPC, 0, -1, "x: no space left on device"},
		{unix.EDQUOT, 10, 4, "x: disk quota exceeded (needs 10 bytes, 4 bytes are free, but this user's quota is used up)"},
		{unix.EFBIG, 10, 4, "x: file too large (needs 10 bytes, a file may have 4 bytes (ulimit -f))"},
	} {
		e := &SpaceError{Path: "x", Need: c.need, Free: c.free, Err: fmt.Errorf("x: %w", c.err)}
		if e.Error() != c.want {
			t.Errorf("got  %q\nwant %q", e, c.want)
		}
		if !errors.Is(e, c.err) {
			t.Errorf("%v is not %v", e, c.err)
		}
	}
}

func TestSpaceErrorOnlyForSpace(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		err   error
		space bool
	}{{unix.ENOSPC, true}, {unix.EDQUOT, true}, {unix.EFBIG, true}, {unix.EACCES, false}, {unix.EIO, false}} {
		err := spaceError(dir+"/a", "write", 7, 512, fmt.Errorf("a: %w", c.err))
		var e *SpaceError
		if errors.As(err, &e) != c.space || !errors.Is(err, c.err) {
			t.Errorf("%v: got %v", c.err, err)
		}
	}
}
