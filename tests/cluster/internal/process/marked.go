// The search for processes that `start` launched but that have no pid file: containerd's shims, and whatever a crash between
// launching and recording left. They carry the mark: the variable layout.MarkerVariable with this state folder as its value.
package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"

	"kubelambda.dev/cluster/internal/layout"
)

// Marked returns the running processes of this state folder.
func Marked(l layout.Layout) ([]Process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	mark := []byte(layout.MarkerVariable + "=" + l.Dir)
	var found []Process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() || !hasMark(pid, mark) {
			continue
		}
		if p, ok := Find(pid); ok {
			found = append(found, p)
		}
	}
	return found, nil
}

// Find returns the process that has this id now.
func Find(pid int) (Process, bool) {
	started, _, err := readStat(pid)
	if err != nil {
		return Process{}, false
	}
	p := Process{ID: pid, Started: started}
	return p, p.Running()
}

func hasMark(pid int, mark []byte) bool {
	environment, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return false
	}
	for variable := range bytes.SplitSeq(environment, []byte{0}) {
		if bytes.Equal(variable, mark) {
			return true
		}
	}
	return false
}
