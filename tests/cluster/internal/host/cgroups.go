// The cgroup below which the kubelet keeps its pods, in every hierarchy of cgroup v1 or in the one of v2. Whatever runs in it
// belongs to the cluster, so it also tells which processes are the containers'.
package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"kubelambda.dev/cluster/internal/layout"
	"kubelambda.dev/cluster/internal/process"
)

// EnsureCgroups makes the cgroup.
func EnsureCgroups() error {
	roots, err := cgroupRoots()
	if err != nil {
		return err
	}
	for _, root := range roots {
		if err := os.MkdirAll(root, 0o755); err != nil {
			return fmt.Errorf("create the pods' cgroup: %w", err)
		}
	}
	return nil
}

// KillContainers kills every process in the cgroup.
func KillContainers() error {
	roots, err := cgroupRoots()
	if err != nil {
		return err
	}
	// More than once, because a process may fork while the list is read.
	const rounds = 5
	for range rounds {
		ids, err := members(roots)
		if err != nil || len(ids) == 0 {
			return err
		}
		for id := range ids {
			if p, ok := process.Find(id); ok {
				if err := p.End(0); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// RemoveCgroups removes the cgroup, children first.
func RemoveCgroups() error {
	roots, err := cgroupRoots()
	if err != nil {
		return err
	}
	var failures []error
	for _, root := range roots {
		folders, err := cgroupsBelow(root)
		failures = append(failures, err)
		for i := len(folders) - 1; i >= 0; i-- {
			failures = append(failures, removeCgroup(folders[i]))
		}
	}
	return errors.Join(failures...)
}

// removeCgroup tries again while the kernel still accounts for a process that has just ended.
func removeCgroup(folder string) error {
	deadline := time.Now().Add(5 * time.Second)
	for {
		err := unix.Rmdir(folder)
		if err == nil || errors.Is(err, unix.ENOENT) {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
			return fmt.Errorf("remove cgroup %s: %w", folder, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// cgroupRoots returns the cgroup's folder in each hierarchy. Beside hierarchies of v1, that of v2 has no controllers, but the
// container runtime makes folders in it all the same.
func cgroupRoots() ([]string, error) {
	mounts, err := readMounts()
	if err != nil {
		return nil, err
	}
	var roots []string
	for _, m := range mounts {
		if m.kind == "cgroup" || m.kind == "cgroup2" {
			roots = append(roots, filepath.Join(m.point, layout.CgroupRoot))
		}
	}
	return roots, nil
}

func members(roots []string) (map[int]struct{}, error) {
	ids := map[int]struct{}{}
	for _, root := range roots {
		folders, err := cgroupsBelow(root)
		if err != nil {
			return nil, err
		}
		for _, folder := range folders {
			content, err := os.ReadFile(filepath.Join(folder, "cgroup.procs"))
			if err != nil {
				continue // removed in the meantime
			}
			for field := range strings.FieldsSeq(string(content)) {
				if id, err := strconv.Atoi(field); err == nil {
					ids[id] = struct{}{}
				}
			}
		}
	}
	return ids, nil
}

// cgroupsBelow returns the cgroup's folder and all below it, parents first.
func cgroupsBelow(root string) ([]string, error) {
	var folders []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && entry.IsDir() {
			folders = append(folders, path)
		}
		return err
	})
	return folders, err
}
