// Pid files: the process id and its start time on one line. A file that cannot be read as such is treated as absent, since a
// crash may have cut it short; the process is then found by its mark.
package process

import (
	"fmt"
	"os"

	"kubelambda.dev/cluster/internal/layout"
)

// Recorded returns the process in the component's pid file, if it still runs.
func Recorded(l layout.Layout, component string) (Process, bool) {
	content, err := os.ReadFile(l.PIDFile(component))
	if err != nil {
		return Process{}, false
	}
	var p Process
	if _, err := fmt.Sscanf(string(content), "%d %s\n", &p.ID, &p.Started); err != nil {
		return Process{}, false
	}
	return p, p.Running()
}

// Forget removes the component's pid file.
func Forget(l layout.Layout, component string) error {
	if err := os.Remove(l.PIDFile(component)); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

func writePIDFile(path string, p Process) error {
	return os.WriteFile(path, fmt.Appendf(nil, "%d %s\n", p.ID, p.Started), 0o644)
}
