// The stop: what a power cut would do to the cluster, plus the removal of everything that it put on the machine.
package lifecycle

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"kubelambda.dev/cluster/internal/component"
	"kubelambda.dev/cluster/internal/host"
	"kubelambda.dev/cluster/internal/layout"
	"kubelambda.dev/cluster/internal/process"
)

// Stop ends the cluster's processes and removes its traces from the machine. What cannot be removed does not keep the rest
// from being removed.
func Stop(l layout.Layout, purge bool, out io.Writer) error {
	if _, err := os.Stat(l.Run()); errors.Is(err, os.ErrNotExist) {
		return nil // never started
	}
	if os.Geteuid() != 0 {
		return errors.New("the cluster was started by root, and only root can stop it")
	}
	unlock, err := lock(l)
	if err != nil {
		return err
	}
	defer unlock()
	waves, err := component.Waves(l, component.Options{})
	if err != nil {
		return err
	}
	s := steps{out: out}
	return errors.Join(
		s.run("components", func() error { return stopComponents(l, waves) }),
		s.run("containers", func() error { return endContainers(l) }),
		s.run("machine", func() error { return clean(l) }),
		s.run("state", func() error { return forget(l, purge) }),
	)
}

// foreign tells whether the machine's network and cgroups are those of a cluster with another state folder.
func foreign(l layout.Layout) (bool, error) {
	owner, err := host.Owner()
	return owner != "" && owner != l.Dir, err
}

// endContainers ends what runs in containers, containerd's shims, and components whose pid file a crash swallowed. More than
// once, because a shim may start a process while the list is read.
func endContainers(l layout.Layout) error {
	const rounds = 5
	for range rounds {
		if err := killContainers(l); err != nil {
			return err
		}
		marked, err := process.Marked(l)
		if err != nil || len(marked) == 0 {
			return err
		}
		var group errgroup.Group
		for _, p := range marked {
			group.Go(func() error { return p.End(time.Second) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return errors.New("processes of the cluster are started faster than they end")
}

func killContainers(l layout.Layout) error {
	if other, err := foreign(l); err != nil || other {
		return err
	}
	return host.KillContainers()
}

// stopComponents ends one wave after the other, the last first.
func stopComponents(l layout.Layout, waves [][]component.Component) error {
	var failures []error
	for _, wave := range slices.Backward(waves) {
		var group errgroup.Group
		for _, c := range wave {
			group.Go(func() error { return stopComponent(l, c) })
		}
		failures = append(failures, group.Wait())
	}
	return errors.Join(failures...)
}

func stopComponent(l layout.Layout, c component.Component) error {
	if p, runs := process.Recorded(l, c.Name); runs {
		if err := p.End(c.Grace); err != nil {
			return fmt.Errorf("stop %s: %w", c.Name, err)
		}
	}
	return process.Forget(l, c.Name)
}

// takeOver removes from the machine what a cluster left that no longer runs, such as after its processes were killed. It
// needs nothing of that cluster's state folder, which may be gone too.
func takeOver(dead layout.Layout, s *steps) error {
	marked, err := process.Marked(dead)
	if err != nil {
		return err
	}
	if len(marked) > 0 {
		return fmt.Errorf("the cluster of %s runs on this machine; `cluster stop --dir %s` stops it", dead.Dir, dead.Dir)
	}
	return s.run("remains of "+dead.Dir, func() error {
		return errors.Join(host.KillContainers(), clean(dead), forget(dead, false))
	})
}

func clean(l layout.Layout) error {
	if err := host.Unmount(l); err != nil {
		return err
	}
	if other, err := foreign(l); err != nil || other {
		return err
	}
	return errors.Join(
		host.RemoveCgroups(),
		host.RemoveLeftovers(l),
		host.RestoreSysctls(l),
		host.RemoveNetwork(), // the last, because the bridge tells whose the rest is
	)
}

// forget deletes what a reboot would delete too, or with purge everything but the built programs.
func forget(l layout.Layout, purge bool) error {
	if !purge {
		return host.RemoveBelow(l.ContainerdState(), l.Runc(), l.CNIState())
	}
	entries, err := os.ReadDir(l.Dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(l.Dir, entry.Name())
		if path == l.Bin() {
			continue
		}
		if err := host.RemoveBelow(path); err != nil {
			return err
		}
	}
	return nil
}
