package plugin

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

// What a run's folder holds when its host was killed goes with the last plugin: sockets, and the empty file of a plugin that was
// killed before its socket was there. What a person put there stays.
func TestRemoveSockets(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string // beside the socket
		stays      bool
	}{
		"sockets alone":           {},
		"a name without a socket": {file: "plugin123"},
		"somebody's file":         {file: "notes", stays: true},
		"somebody's, with text":   {file: "plugin.log", text: "text", stays: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir, err := SocketFolder()
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "plugin1"), Net: "unix"})
			if err != nil {
				t.Fatal(err)
			}
			l.SetUnlinkOnClose(false) // as a process that is killed
			l.Close()
			if c.file != "" {
				if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			removeSockets(dir)
			entries, err := os.ReadDir(dir)
			if gone := os.IsNotExist(err); gone == c.stays {
				t.Errorf("the folder is gone: %v, want %v", gone, !c.stays)
			}
			if c.stays && (len(entries) != 1 || entries[0].Name() != c.file) {
				t.Errorf("%v is left, want %s", entries, c.file)
			}
		})
	}
}
