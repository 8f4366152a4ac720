// Files that containerd, the CNI library and the kubelet write to fixed places outside of the state folder, whatever their
// configuration says. Only those of this cluster go; a folder goes when it is empty.
package host

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"kubelambda.dev/cluster/internal/layout"
)

const (
	cniCache      = "/var/lib/cni/results"
	shimSockets   = "/run/containerd/s"
	containerLogs = "/var/log/containers"
	devicePlugins = "/var/lib/kubelet/device-plugins"
)

// RemoveLeftovers removes them. It must run before containerd's state is deleted, which names the shims' sockets.
func RemoveLeftovers(l layout.Layout) error {
	var failures []error
	for _, list := range []func(layout.Layout) ([]string, error){cniResults, sockets, logLinks, pluginFiles} {
		files, err := list(l)
		failures = append(failures, err)
		for _, file := range files {
			if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
				failures = append(failures, err)
			}
		}
	}
	for _, folder := range []string{cniCache, shimSockets, containerLogs, devicePlugins} {
		removeEmpty(folder)
	}
	return errors.Join(failures...)
}

// removeEmpty removes the folder and its parent, unless they hold something.
func removeEmpty(folder string) {
	if os.Remove(folder) == nil {
		_ = os.Remove(filepath.Dir(folder)) // not empty is the usual case
	}
}

// cniResults returns those that name a network namespace of this cluster. Names of files do not tell whose they are.
func cniResults(l layout.Layout) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(cniCache, "*"))
	var ours []string
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(content), `"`+l.ContainerdState()+"/") {
			ours = append(ours, file)
		}
	}
	return ours, err
}

// sockets returns those that the shims' bundles name.
func sockets(l layout.Layout) ([]string, error) {
	bundles, err := filepath.Glob(filepath.Join(l.ContainerdState(), "io.containerd.runtime.v2.task", "*", "*", "address"))
	var found []string
	for _, bundle := range bundles {
		address, err := os.ReadFile(bundle)
		if err != nil {
			return nil, err
		}
		if socket, isUnix := strings.CutPrefix(strings.TrimSpace(string(address)), "unix://"); isUnix {
			found = append(found, socket)
		}
	}
	return found, err
}

// logLinks returns the links to logs below the state folder.
func logLinks(l layout.Layout) ([]string, error) {
	links, err := filepath.Glob(filepath.Join(containerLogs, "*"))
	var ours []string
	for _, link := range links {
		target, err := os.Readlink(link)
		if err == nil && strings.HasPrefix(target, l.Dir+"/") {
			ours = append(ours, link)
		}
	}
	return ours, err
}

// pluginFiles returns the kubelet's own; a device plugin's socket has another name.
func pluginFiles(layout.Layout) ([]string, error) {
	return []string{
		filepath.Join(devicePlugins, "kubelet.sock"),
		filepath.Join(devicePlugins, "kubelet_internal_checkpoint"),
	}, nil
}
