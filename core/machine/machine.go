// Package machine says what this process may take of the machine, so that what is too big is an error with numbers and not a
// kill.
//
//	if need > machine.Available() { return fmt.Errorf("... %d bytes, %d are free", ...) }
//
// It reserves nothing: between the answer and the use others may take their share.
package machine

import (
	"bufio"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// Available returns the bytes that can be taken without swapping or being killed: the least of the machine's
// MemAvailable plus free swap, and the room in each control group above this process. Unknown counts as unlimited.
func Available() uint64 {
	room := uint64(math.MaxUint64)
	if m := keyed("/proc/meminfo"); m["MemAvailable:"] > 0 {
		room = (m["MemAvailable:"] + m["SwapFree:"]) * 1024
	}
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return room
	}
	for line := range strings.Lines(string(groups)) {
		id, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, _ := strings.Cut(rest, ":")
		switch {
		case id == "0" && controllers == "":
			room = min(room, groupRoom("/sys/fs/cgroup", group, "memory.max", "memory.current", "inactive_file"))
		case controllers == "memory":
			room = min(room, groupRoom("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"))
		}
	}
	return room
}

// groupRoom walks from a control group to the root and returns the least limit - usage + reclaimable cache.
func groupRoom(root, group, limitFile, usageFile, cacheKey string) uint64 {
	room := uint64(math.MaxUint64)
	for group = path.Clean("/" + group); ; group = path.Dir(group) {
		dir := path.Join(root, group)
		limit, ok1 := number(path.Join(dir, limitFile))
		usage, ok2 := number(path.Join(dir, usageFile))
		if ok1 && ok2 {
			used := usage - min(usage, keyed(path.Join(dir, "memory.stat"))[cacheKey])
			room = min(room, limit-min(limit, used))
		}
		if group == "/" {
			return room
		}
	}
}

// number reads a file with one number; "max" and anything else is no number.
func number(file string) (uint64, bool) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil
}

// keyed reads lines of "key number".
func keyed(file string) map[string]uint64 {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	m := map[string]uint64{}
	for s := bufio.NewScanner(f); s.Scan(); {
		w := strings.Fields(s.Text())
		if len(w) < 2 {
			continue
		}
		if n, err := strconv.ParseUint(w[1], 10, 64); err == nil {
			m[w[0]] = n
		}
	}
	return m
}
