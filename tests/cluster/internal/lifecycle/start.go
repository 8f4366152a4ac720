// Package lifecycle starts the cluster (start.go, launch.go), waits for what only the API server knows (conditions.go),
// stops it (stop.go) and reports on it (status.go).
//
// A start does only what is not done yet, so it also repairs: a component that was killed is started again. A stop needs no
// memory of the start beyond the state folder and the marks of processes, so it also works after a crash. They exclude each
// other by a lock. Nothing here waits for a fixed time.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"kubelambda.dev/cluster/internal/component"
	"kubelambda.dev/cluster/internal/host"
	"kubelambda.dev/cluster/internal/image"
	"kubelambda.dev/cluster/internal/layout"
	"kubelambda.dev/cluster/internal/pki"
)

// Start starts whatever does not run and returns when the cluster works.
func Start(ctx context.Context, l layout.Layout, o component.Options, out io.Writer) error {
	if os.Geteuid() != 0 {
		return errors.New("the cluster needs root: it makes a bridge, mounts and cgroups")
	}
	if err := l.Create(); err != nil {
		return err
	}
	unlock, err := lock(l)
	if err != nil {
		return err
	}
	defer unlock()
	owner, err := host.Owner()
	if err != nil {
		return err
	}
	s := steps{out: out}
	if owner != "" && owner != l.Dir {
		if err := takeOver(layout.Layout{Dir: owner}, &s); err != nil {
			return err
		}
	}
	waves, err := component.Waves(l, o)
	if err != nil {
		return err
	}
	for _, prepare := range preparations(l) {
		if err := s.run(prepare.name, prepare.do); err != nil {
			return err
		}
	}
	for _, wave := range waves {
		if err := startWave(ctx, l, wave, &s); err != nil {
			return err
		}
	}
	return s.run("node", func() error { return waitUsable(ctx, l) })
}

type preparation struct {
	name string
	do   func() error
}

func preparations(l layout.Layout) []preparation {
	return []preparation{
		{"machine", func() error {
			return errors.Join(host.EnsureSysctls(l), host.EnsureCgroups(), host.EnsureNetwork(l))
		}},
		{"certificates", func() error { return pki.Ensure(l) }},
		{"configuration", func() error {
			return errors.Join(component.WriteConfiguration(l), linkKubectl(l))
		}},
	}
}

// startWave starts the components of a wave at once, and then does what the next wave needs besides them.
func startWave(ctx context.Context, l layout.Layout, wave []component.Component, s *steps) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range wave {
		group.Go(func() error {
			return s.run(c.Name, func() error {
				if err := ensureRunning(ctx, l, c); err != nil {
					return err
				}
				return complete(ctx, l, c.Name)
			})
		})
	}
	return group.Wait()
}

// complete does what belongs to a component and can only be done while it runs.
func complete(ctx context.Context, l layout.Layout, component string) error {
	switch component {
	case "containerd":
		return image.ImportPause(ctx, l)
	case "kube-apiserver":
		return grantRights(ctx, l)
	}
	return nil
}

// linkKubectl makes bin/kubectl, which is this program under another name.
func linkKubectl(l layout.Layout) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	link := filepath.Join(l.Bin(), "kubectl")
	if target, err := os.Readlink(link); err == nil && target == self {
		return nil
	}
	if err := os.Remove(link); err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.Symlink(self, link)
}

// lock keeps a second start or stop from working on the same state; the kernel releases it when the program ends.
func lock(l layout.Layout) (unlock func(), err error) {
	file, err := os.OpenFile(l.LockFile(), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock %s: %w", l.LockFile(), err)
	}
	return func() { _ = file.Close() }, nil
}
