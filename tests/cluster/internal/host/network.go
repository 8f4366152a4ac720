// Package host changes the machine and changes it back: the bridge and the masquerade rule (network.go), kernel settings
// (sysctls.go), cgroups (cgroups.go), mounts (mounts.go) and files that others leave outside of the state folder
// (leftovers.go).
//
// Each removal works in whatever state a crash left, and finding nothing is no error. It never touches what has not the
// cluster's name or is not below its state folder.
package host

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"kubelambda.dev/cluster/internal/layout"
)

// masquerade lets pods reach what lies outside of the pod network. It is a table of ours instead of the CNI plugin's
// ipMasq, which would spread rules over tables that others use.
const masquerade = `table ip ` + layout.FirewallTable + `
delete table ip ` + layout.FirewallTable + `
table ip ` + layout.FirewallTable + ` {
	chain postrouting {
		type nat hook postrouting priority srcnat
		ip saddr ` + layout.PodNetwork + ` ip daddr != ` + layout.PodNetwork + ` masquerade
	}
}
`

// EnsureNetwork makes the bridge, with the state folder as its alias, and the masquerade rule.
func EnsureNetwork(l layout.Layout) error {
	if !linkExists(layout.Bridge) {
		if err := run("", "ip", "link", "add", layout.Bridge, "type", "bridge"); err != nil {
			return err
		}
	}
	if err := run("", "ip", "link", "set", layout.Bridge, "alias", l.Dir); err != nil {
		return err
	}
	_, bits, _ := strings.Cut(layout.PodNetwork, "/")
	if err := run("", "ip", "address", "replace", layout.BridgeIP+"/"+bits, "dev", layout.Bridge); err != nil {
		return err
	}
	if err := run("", "ip", "link", "set", layout.Bridge, "up"); err != nil {
		return err
	}
	if tableExists("ip", layout.FirewallTable) {
		return nil
	}
	return run(masquerade, "nft", "-f", "-")
}

// Owner returns the state folder of the cluster that has the machine's bridge, or nothing. Two clusters would have the same
// addresses, so the machine belongs to one at a time.
func Owner() (string, error) {
	alias, err := os.ReadFile(filepath.Join("/sys/class/net", layout.Bridge, "ifalias"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(alias)), err
}

// RemoveNetwork removes the pods' links, the bridge, the masquerade rule and the tables of kube-proxy.
func RemoveNetwork() error {
	var failures []error
	// A veth vanishes with its network namespace, but only some time after it.
	links, err := os.ReadDir(filepath.Join("/sys/class/net", layout.Bridge, "brif"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		failures = append(failures, err)
	}
	for _, link := range links {
		failures = append(failures, removeLink(link.Name()))
	}
	failures = append(failures, removeLink(layout.Bridge))
	for _, table := range [][2]string{{"ip", layout.FirewallTable}, {"ip", "kube-proxy"}, {"ip6", "kube-proxy"}} {
		if tableExists(table[0], table[1]) {
			failures = append(failures, run("", "nft", "delete", "table", table[0], table[1]))
		}
	}
	return errors.Join(failures...)
}

func removeLink(name string) error {
	err := run("", "ip", "link", "delete", name)
	if err != nil && !linkExists(name) {
		return nil
	}
	return err
}

func linkExists(name string) bool {
	_, err := os.Stat(filepath.Join("/sys/class/net", name))
	return err == nil
}

func tableExists(family, name string) bool {
	return exec.Command("nft", "list", "table", family, name).Run() == nil
}

func run(input, name string, args ...string) error {
	command := exec.Command(name, args...)
	command.Stdin = strings.NewReader(input)
	output, err := command.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s is not installed (tests/cluster/packages.txt lists what is needed)", name)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(output))
	}
	return nil
}
