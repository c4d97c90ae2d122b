// Package commit is the one place of waveprior that makes files and folders appear. What is written goes to a temporary
// name beside its destination, is synced to the disk, and gets its name by one rename; then the folder is synced. So a
// reader sees the old content or the new one, never a part, and so does the next run after a kill, a full disk or a
// power cut.
//
// The main types are [File] and [Folder], both with Commit and Abort, and [SpaceError], what a full disk gives.
// WriteFile is the short way:
//
//	err := commit.WriteFile("metrics.json", func(w io.Writer) error {
//		return json.NewEncoder(w).Encode(metrics)
//	})
//
// It is not a transaction over several names (write a folder and commit that), not a lock between writers of one name
// (the last rename wins), and not for devices and pipes, which it refuses to replace. Linux only.
package commit

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/sys/unix"

	"github.com/waveprior/waveprior/core/hook"
)

// ErrDone is wrapped by errors of calls on a File or Folder after its Commit or Abort.
var ErrDone = errors.New("commit: already committed or aborted")

// tempName matches the temporary names of this package, of files and folders alike. They start with a dot and do not
// contain the destination's name, so that any name that the file system takes can be written.
var tempName = regexp.MustCompile(`^\.waveprior-[0-9a-f]{16}\.tmp$`)

func newTempName() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return ".waveprior-" + hex.EncodeToString(b[:]) + ".tmp"
}

// WriteFile writes a file by way of fn and makes it appear at path, replacing a regular file that is there (whose
// permission bits it keeps; a new file gets 0666 less the umask). The writer given to fn is buffered and must not be
// used after fn returns. If fn or anything after it fails, path is as it was and no temporary file is left; an error
// of fn is returned as it is. A full disk gives a *SpaceError.
func WriteFile(path string, fn func(w io.Writer) error) error { return WriteFileSize(path, 0, fn) }

// WriteFileSize is WriteFile for content whose size in bytes is known (0: it is not): the room is reserved first, so that
// a full disk is found before fn is called, and the error says how much is needed. Writing another number of bytes than
// size > 0 is an error.
func WriteFileSize(path string, size int64, fn func(w io.Writer) error) (err error) {
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Abort() // also when fn panics
	if size > 0 {
		if err := f.Reserve(size); err != nil {
			return err
		}
	}
	b := bufio.NewWriterSize(f, 256<<10)
	if err := fn(b); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return err
	}
	if size > 0 && f.size != size {
		return fmt.Errorf("commit: %s: %d bytes written, %d announced", f.path, f.size, size)
	}
	return f.Commit()
}

// File is a file that is being written under a temporary name. Exactly one of Commit and Abort ends it; Abort after
// Commit does nothing, so `defer f.Abort()` is right. It is for one goroutine.
type File struct {
	path string // destination, symbolic links resolved
	temp string
	f    *os.File
	size int64 // the highest end of what was written
	need int64 // bytes announced by Reserve, 0 unknown
}

// Create starts a file that Commit will put at path. The folder must exist. A symbolic link at path is followed, so that
// the file it names is the one replaced; anything else that is not a regular file is refused with an error that says
// what it is. While it is open the temporary file is locked, which is what RemoveStale goes by.
func Create(path string) (*File, error) {
	dest, mode, err := destination(path)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(dest)
	for {
		temp := filepath.Join(dir, newTempName())
		f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, spaceError(dest, "create", 0, 0, fmt.Errorf("commit: cannot write %s: %w", dest, err))
		}
		if owned, err := lock(f); !owned && err == nil {
			_ = f.Close() // RemoveStale came between: its file is gone, take another
			continue
		}
		w := &File{path: dest, temp: temp, f: f}
		if mode != 0 {
			if err := f.Chmod(mode); err != nil {
				w.Abort()
				return nil, fmt.Errorf("commit: cannot write %s: %w", dest, err)
			}
		}
		return w, nil
	}
}

// destination resolves links and refuses what a rename must not replace. mode is that of the file there, 0 for none.
func destination(path string) (string, fs.FileMode, error) {
	info, err := os.Lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		to, lerr := filepath.EvalSymlinks(path)
		if lerr != nil {
			return "", 0, fmt.Errorf("commit: cannot write %s: it is a symbolic link that leads nowhere: %w", path, lerr)
		}
		path = to
		info, err = os.Lstat(path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, 0, nil
	case err != nil:
		return "", 0, fmt.Errorf("commit: cannot write %s: %w", path, err)
	case !info.Mode().IsRegular():
		return "", 0, fmt.Errorf("commit: cannot write %s: it exists and is a %s, only a regular file is replaced", path, kind(info.Mode()))
	}
	return path, info.Mode().Perm(), nil
}

func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "folder"
	case m&fs.ModeNamedPipe != 0:
		return "pipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeDevice != 0:
		return "device"
	case m&fs.ModeSymlink != 0:
		return "symbolic link"
	}
	return "special file"
}

// Path returns the destination, with symbolic links resolved.
func (f *File) Path() string { return f.path }

// Reserve makes room for size bytes in all, so that writing them cannot fail for lack of space. A file system that has
// no such call (fallocate) accepts it and checks nothing. If fewer bytes are written the file is cut at Commit.
func (f *File) Reserve(size int64) error {
	if f.f == nil {
		return fmt.Errorf("%w: reserve %s", ErrDone, f.path)
	}
	f.need = size
	var err error
	for {
		err = unix.Fallocate(int(f.f.Fd()), 0, 0, size)
		if err != unix.EINTR {
			break
		}
	}
	if err == nil || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return spaceError(f.path, "reserve", size, f.held(), fmt.Errorf("commit: cannot reserve %d bytes for %s: %w", size, f.path, err))
}

// held returns the bytes of disk that the temporary file takes.
func (f *File) held() int64 {
	var st unix.Stat_t
	if unix.Fstat(int(f.f.Fd()), &st) != nil {
		return 0
	}
	return st.Blocks * 512 // stat(2): the unit is 512 bytes whatever the file system
}

// Write appends to what was written, as io.Writer.
func (f *File) Write(p []byte) (int, error) { return f.WriteAt(p, f.size) }

// WriteAt writes at an offset, as io.WriterAt: the way to fill in a header once the rest is known.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	if f.f == nil {
		return 0, fmt.Errorf("%w: write %s", ErrDone, f.path)
	}
	n, err := f.f.WriteAt(p, off)
	f.size = max(f.size, off+int64(n))
	if err != nil {
		need := max(f.need, off+int64(len(p)))
		return n, spaceError(f.path, "write", need, f.held(), fmt.Errorf("commit: cannot write %s at byte %d: %w", f.path, off+int64(n), err))
	}
	return n, nil
}

// Commit syncs the file, gives it its name, and syncs the folder. On an error before the rename the temporary file is
// removed and what lay at the destination is untouched. If only the sync of the folder fails, the file is in place and
// the error says so.
func (f *File) Commit() error {
	if f.f == nil {
		return fmt.Errorf("%w: commit %s", ErrDone, f.path)
	}
	defer f.Abort()
	err := f.f.Truncate(f.size) // what was reserved and not used
	if err == nil {
		err = f.f.Sync()
	}
	if err == nil {
		hook.At("commit.rename")
		err = os.Rename(f.temp, f.path)
	}
	if err != nil {
		return spaceError(f.path, "write", max(f.need, f.size), f.held(), fmt.Errorf("commit: cannot write %s: %w", f.path, err))
	}
	f.temp = ""
	return syncFolder(filepath.Dir(f.path), f.path)
}

// Abort removes the temporary file and leaves the destination as it was. After Commit it does nothing.
func (f *File) Abort() {
	if f.f == nil {
		return
	}
	if f.temp != "" {
		_ = os.Remove(f.temp)
	}
	_ = f.f.Close() // after the removal: until here the lock holds RemoveStale off
	f.f = nil
}

// syncFolder makes the names in dir durable; what is the name that was just put there.
func syncFolder(dir, what string) error {
	d, err := os.Open(dir)
	if err == nil {
		err = d.Sync()
		_ = d.Close()
	}
	if err == nil || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) { // file systems that cannot sync a folder
		return nil
	}
	return fmt.Errorf("commit: %s is in place, but its folder could not be synced (a power cut may undo it): %w", what, err)
}
