package commit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Folder is a folder that is being filled under a temporary name. Exactly one of Commit, Replace and Abort ends it; Abort
// after one of the others does nothing, so `defer d.Abort()` is right. It is for one goroutine; files in it may be
// written by any, and by other processes, as long as they are closed before Commit.
type Folder struct {
	path string
	temp string
	d    *os.File // holds the lock
}

// CreateFolder starts a folder that Commit or Replace will put at path. The parent must exist.
func CreateFolder(path string) (*Folder, error) {
	path = filepath.Clean(path)
	if b := filepath.Base(path); b == "." || b == ".." || b == string(filepath.Separator) {
		return nil, fmt.Errorf("commit: cannot make folder %s: it has no name of its own", path)
	}
	for {
		temp := filepath.Join(filepath.Dir(path), newTempName())
		err := os.Mkdir(temp, 0o777)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, spaceError(path, "create", 0, 0, fmt.Errorf("commit: cannot make folder %s: %w", path, err))
		}
		d, err := os.Open(temp)
		if errors.Is(err, fs.ErrNotExist) {
			continue // RemoveStale came between
		}
		if err != nil {
			_ = os.Remove(temp)
			return nil, fmt.Errorf("commit: cannot make folder %s: %w", path, err)
		}
		if owned, err := lock(d); !owned && err == nil {
			_ = d.Close()
			continue
		}
		return &Folder{path: path, temp: temp, d: d}, nil
	}
}

// Dir returns the folder to write into. It is gone after Commit, Replace or Abort.
func (d *Folder) Dir() string { return d.temp }

// Path returns the destination.
func (d *Folder) Path() string { return d.path }

// Commit syncs every file and folder in it and gives it its name. If something lies at the destination already, the
// error wraps fs.ErrExist, that thing is untouched and the new folder is removed: where two cells of a sweep make the
// same stage, the first one wins. A full disk gives a *SpaceError.
func (d *Folder) Commit() error { return d.commit(unix.RENAME_NOREPLACE) }

// Replace is Commit for a destination that may exist: an old folder is exchanged for the new one in one step and then
// removed. It needs a file system that can exchange names (ext4, xfs, btrfs, tmpfs, overlayfs can).
func (d *Folder) Replace() error {
	err := d.commit(unix.RENAME_EXCHANGE)
	if errors.Is(err, fs.ErrNotExist) && d.d != nil { // nothing to exchange with
		err = d.commit(unix.RENAME_NOREPLACE)
	}
	return err
}

func (d *Folder) commit(flag uint) error {
	if d.d == nil {
		return fmt.Errorf("%w: commit %s", ErrDone, d.path)
	}
	keep := false
	defer func() {
		if !keep {
			d.Abort()
		}
	}()
	if flag == unix.RENAME_EXCHANGE {
		switch info, err := os.Lstat(d.path); {
		case errors.Is(err, fs.ErrNotExist):
			keep = true
			return err
		case err == nil && !info.IsDir():
			return fmt.Errorf("commit: cannot replace %s: it is a %s, not a folder", d.path, kind(info.Mode()))
		}
	}
	if err := syncTree(d.temp); err != nil {
		return spaceError(d.path, "sync", 0, 0, fmt.Errorf("commit: cannot write folder %s: %w", d.path, err))
	}
	err := renameat2(d.temp, d.path, flag)
	if errors.Is(err, unix.EINVAL) && flag == unix.RENAME_NOREPLACE { // a file system without the flag
		if _, lerr := os.Lstat(d.path); lerr == nil {
			err = unix.EEXIST
		} else {
			err = os.Rename(d.temp, d.path)
		}
	}
	if err != nil {
		return spaceError(d.path, "write", 0, 0, fmt.Errorf("commit: cannot put folder %s in place: %w", d.path, err))
	}
	if flag == unix.RENAME_NOREPLACE {
		d.temp = ""
	}
	return syncFolder(filepath.Dir(d.path), d.path) // after an exchange Abort removes the old folder
}

// Abort removes the temporary folder with all that is in it and leaves the destination as it was.
func (d *Folder) Abort() {
	if d.d == nil {
		return
	}
	if d.temp != "" {
		_ = os.RemoveAll(d.temp)
	}
	_ = d.d.Close()
	d.d = nil
}

func renameat2(from, to string, flag uint) error {
	for {
		if err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, flag); err != unix.EINTR {
			return err
		}
	}
}

// syncTree syncs the regular files and folders under dir; links are names in a folder and are synced with it.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !(e.Type().IsRegular() || e.IsDir()) {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		err = f.Sync()
		_ = f.Close()
		if e.IsDir() && (errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP)) {
			err = nil
		}
		return err
	})
}
