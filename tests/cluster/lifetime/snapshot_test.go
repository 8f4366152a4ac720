// What of the machine a cluster could change.
package lifetime

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// snapshot holds, by a name for people, what must be the same before and after.
type snapshot map[string]string

func takeSnapshot(t *testing.T) snapshot {
	t.Helper()
	s := snapshot{
		"processes":    strings.Join(ourProcesses(t), "\n"),
		"mounts":       read(t, "/proc/self/mounts"),
		"links":        command(t, "ip", "-brief", "link"),
		"namespaces":   command(t, "ip", "netns", "list"),
		"nftables":     command(t, "nft", "list", "ruleset"),
		"iptables":     withoutComments(command(t, "iptables-save")),
		"cgroups":      found(t, "/sys/fs/cgroup/kubelambda-cluster", "/sys/fs/cgroup/*/kubelambda-cluster", "/sys/fs/cgroup/*/kubepods"),
		"left folders": found(t, "/var/lib/cni", "/run/containerd", "/var/lib/kubelet", "/var/log/containers", "/opt/containerd"),
	}
	for _, setting := range []string{"net/ipv4/ip_forward", "vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops"} {
		s[setting] = read(t, filepath.Join("/proc/sys", setting))
	}
	return s
}

func (s snapshot) expectSame(t *testing.T, after snapshot) {
	t.Helper()
	for name, before := range s {
		if after[name] != before {
			t.Errorf("%s were\n%s\nand are\n%s", name, before, after[name])
		}
	}
}

// ourProcesses returns the ids of those that bear a cluster's mark or run in its cgroup. Other processes of the machine come
// and go. One that ended counts no longer, though it stays in the list until init collects it.
func ourProcesses(t *testing.T) []string {
	t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, folder := range folders {
		// The state comes first: one that init collects between two reads had ended before, and its cgroup would still tell.
		status, err := os.ReadFile(filepath.Join(folder, "status"))
		if err != nil || strings.Contains(string(status), "State:\tZ") {
			continue
		}
		environment, _ := os.ReadFile(filepath.Join(folder, "environ")) // ended in the meantime, or a kernel thread
		cgroups, _ := os.ReadFile(filepath.Join(folder, "cgroup"))
		if strings.Contains(string(environment), "KUBELAMBDA_CLUSTER_DIR=") || strings.Contains(string(cgroups), "/kubelambda-cluster") {
			ids = append(ids, filepath.Base(folder))
		}
	}
	return ids
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	output, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(output)
}

var comment = regexp.MustCompile(`(?m)^#.*\n`)

// withoutComments drops the lines with the time.
func withoutComments(rules string) string { return comment.ReplaceAllString(rules, "") }

func found(t *testing.T, patterns ...string) string {
	t.Helper()
	var all []string
	for _, pattern := range patterns {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, paths...)
	}
	return strings.Join(all, "\n")
}
