// Kernel settings: the one that the pod network needs, and those that the kubelet sets by itself. Their values before the
// first `start` are kept in the state folder and restored by `stop`.
package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"kubelambda.dev/cluster/internal/layout"
)

const forwarding = "net/ipv4/ip_forward"

func changedSysctls() []string {
	return []string{
		forwarding,
		"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
		"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
	}
}

// EnsureSysctls remembers the settings, once, and switches on forwarding.
func EnsureSysctls(l layout.Layout) error {
	if _, err := os.Stat(l.Sysctls()); errors.Is(err, fs.ErrNotExist) {
		if err := rememberSysctls(l); err != nil {
			return err
		}
	}
	return writeSysctl(forwarding, "1")
}

func rememberSysctls(l layout.Layout) error {
	before := map[string]string{}
	for _, name := range changedSysctls() {
		value, err := os.ReadFile(sysctlPath(name))
		if err != nil {
			return fmt.Errorf("read kernel setting: %w", err)
		}
		before[name] = strings.TrimSpace(string(value))
	}
	content, err := json.Marshal(before)
	if err != nil {
		return err
	}
	return os.WriteFile(l.Sysctls(), content, 0o644)
}

// RestoreSysctls writes the remembered settings back and forgets them.
func RestoreSysctls(l layout.Layout) error {
	content, err := os.ReadFile(l.Sysctls())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	before := map[string]string{}
	if err := json.Unmarshal(content, &before); err != nil {
		return fmt.Errorf("%s: %w", l.Sysctls(), err)
	}
	var failures []error
	for name, value := range before {
		failures = append(failures, writeSysctl(name, value))
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	return os.Remove(l.Sysctls())
}

// writeSysctl leaves a setting alone that has the value already: some are read-only here and there.
func writeSysctl(name, value string) error {
	now, err := os.ReadFile(sysctlPath(name))
	if err == nil && strings.TrimSpace(string(now)) == value {
		return nil
	}
	if err := os.WriteFile(sysctlPath(name), []byte(value), 0o644); err != nil {
		return fmt.Errorf("kernel setting %s: %w", strings.ReplaceAll(name, "/", "."), err)
	}
	return nil
}

func sysctlPath(name string) string { return filepath.Join("/proc/sys", name) }
