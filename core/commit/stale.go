package commit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// RemoveStale removes from dir (not from folders below it) the temporary files and folders whose writer is dead: what a
// kill -9 or a power cut left. Those of a living writer, in whatever process, are locked and stay. It returns the names
// removed, in order. On file systems without flock nothing is removed.
func RemoveStale(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("commit: cannot look for stale files: %w", err)
	}
	var removed []string
	var errs []error
	for _, e := range entries {
		if !tempName.MatchString(e.Name()) || !(e.Type().IsRegular() || e.IsDir()) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // committed or aborted meanwhile
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("commit: cannot remove stale file: %w", err))
			continue
		}
		if owned, err := lock(f); owned && err == nil {
			if err := os.RemoveAll(path); err != nil {
				errs = append(errs, fmt.Errorf("commit: cannot remove stale file: %w", err))
			} else {
				removed = append(removed, e.Name())
			}
		}
		_ = f.Close()
	}
	return removed, errors.Join(errs...)
}

// RemoveStaleBelow is RemoveStale of dir and of all folders below it; symbolic links are not followed. The names that it
// returns are relative to dir.
func RemoveStaleBelow(dir string) ([]string, error) {
	var removed []string
	var errs []error
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && path != dir && errors.Is(err, fs.ErrNotExist):
			return nil // gone meanwhile: another's temporary folder that got its name
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		case path != dir && tempName.MatchString(d.Name()):
			return fs.SkipDir // a living writer's
		}
		names, err := RemoveStale(path)
		if err != nil {
			errs = append(errs, err)
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		for _, name := range names {
			removed = append(removed, filepath.Join(rel, name))
		}
		return nil
	})
	return removed, errors.Join(append(errs, err)...)
}

// lock takes the exclusive lock on f without waiting. owned is false if another has the lock or f's name is gone, which is
// how a writer learns that RemoveStale took its new file before it could lock it, and RemoveStale that a writer has
// committed meanwhile. err is about a file system without locks.
func lock(f *os.File) (owned bool, err error) {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			break
		}
		if err == unix.EWOULDBLOCK {
			return false, nil
		}
		if err != unix.EINTR {
			return false, err
		}
	}
	named, err := os.Lstat(f.Name())
	if err != nil {
		return false, nil
	}
	own, err := f.Stat()
	return err == nil && os.SameFile(named, own), nil
}
