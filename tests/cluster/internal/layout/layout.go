// Package layout says where everything of the cluster lives: folders and files below the state folder (this file) and
// addresses and names (addresses.go).
//
// It computes paths and creates the folders. It never reads or writes a file's content.
package layout

import (
	"fmt"
	"os"
	"path/filepath"
)

// Layout is the state folder of one cluster.
type Layout struct {
	// Dir is absolute and free of symbolic links, because it is compared with mount points and process environments.
	Dir string
}

// At returns the layout below dir, which need not exist yet.
func At(dir string) (Layout, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return Layout{}, fmt.Errorf("state folder %s: %w", dir, err)
	}
	if resolved, err := filepath.EvalSymlinks(absolute); err == nil {
		absolute = resolved
	}
	return Layout{Dir: absolute}, nil
}

// Create makes the folders that the components expect to find.
func (l Layout) Create() error {
	for _, dir := range []string{l.Bin(), l.Logs(), l.Run(), l.PKI(), l.Config(), l.Etcd(), l.Registry(), l.CNIConfig(), l.Kubelet()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("create the state folder: %w", err)
		}
	}
	return os.Chmod(l.PKI(), 0o700)
}

func (l Layout) path(elements ...string) string {
	return filepath.Join(append([]string{l.Dir}, elements...)...)
}

// Bin holds the built programs and is the only folder that `stop --purge` keeps.
func (l Layout) Bin() string { return l.path("bin") }

// Run holds pid files, sockets and the previous kernel settings; Logs one file per component.
func (l Layout) Run() string  { return l.path("run") }
func (l Layout) Logs() string { return l.path("log") }

// PIDFile and Log belong to the component of that name.
func (l Layout) PIDFile(name string) string { return l.path("run", name+".pid") }
func (l Layout) Log(name string) string     { return l.path("log", name+".log") }

// LockFile serialises `start` and `stop`; Sysctls remembers the kernel settings that `stop` restores.
func (l Layout) LockFile() string { return l.path("run", "lock") }
func (l Layout) Sysctls() string  { return l.path("run", "sysctls.json") }

// PKI holds keys and certificates; Kubeconfig is the administrator's, for people and tests.
func (l Layout) PKI() string                     { return l.path("pki") }
func (l Layout) Certificate(name string) string  { return l.path("pki", name+".crt") }
func (l Layout) Key(name string) string          { return l.path("pki", name+".key") }
func (l Layout) ClientConfig(name string) string { return l.path("pki", name+".kubeconfig") }
func (l Layout) Kubeconfig() string              { return l.path("kubeconfig") }

// Config holds the rendered configuration files, CNIConfig the one that containerd reads for pod networks.
func (l Layout) Config() string                { return l.path("config") }
func (l Layout) ConfigFile(name string) string { return l.path("config", name) }
func (l Layout) CNIConfig() string             { return l.path("config", "cni") }

// Etcd, Registry and Kubelet are the data folders of the components of that name.
func (l Layout) Etcd() string     { return l.path("etcd") }
func (l Layout) Registry() string { return l.path("registry") }
func (l Layout) Kubelet() string  { return l.path("kubelet") }

// ContainerdRoot survives a stop (images); ContainerdState, Runc and CNIState are emptied by it, as /run is by a reboot.
func (l Layout) ContainerdRoot() string   { return l.path("containerd", "root") }
func (l Layout) ContainerdState() string  { return l.path("containerd", "state") }
func (l Layout) ContainerdSocket() string { return l.path("run", "containerd.sock") }
func (l Layout) Runc() string             { return l.path("containerd", "runc") }
func (l Layout) CNIState() string         { return l.path("containerd", "cni") }
