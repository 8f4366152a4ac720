// Mounts below the state folder: the containers' root file systems, their volumes and their network namespaces.
package host

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"kubelambda.dev/cluster/internal/layout"
)

type mount struct {
	point string
	kind  string
}

// Unmount unmounts everything below the state folder, the latest first.
func Unmount(l layout.Layout) error {
	below, err := mountsBelow(l.Dir)
	if err != nil {
		return err
	}
	for i := len(below) - 1; i >= 0; i-- {
		err := unix.Unmount(below[i], unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
		if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("unmount %s: %w", below[i], err)
		}
	}
	return nil
}

// RemoveBelow deletes folders of the state folder. It refuses while something is mounted in one, since it could then delete
// files of the machine.
func RemoveBelow(folders ...string) error {
	for _, folder := range folders {
		below, err := mountsBelow(folder)
		if err != nil {
			return err
		}
		if len(below) > 0 {
			return fmt.Errorf("%s is not removed: %s is still mounted", folder, below[0])
		}
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
	}
	return nil
}

func mountsBelow(folder string) ([]string, error) {
	mounts, err := readMounts()
	if err != nil {
		return nil, err
	}
	var below []string
	for _, m := range mounts {
		if strings.HasPrefix(m.point, folder+"/") {
			below = append(below, m.point)
		}
	}
	return below, nil
}

// readMounts reads the mounts in the order in which they were made.
func readMounts() ([]mount, error) {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var mounts []mount
	for line := range strings.Lines(string(content)) {
		// 36 35 98:0 /root /point options [tags] - type source options
		left, right, found := strings.Cut(line, " - ")
		fields, kind := strings.Fields(left), strings.Fields(right)
		if !found || len(fields) < 5 || len(kind) == 0 {
			return nil, fmt.Errorf("a line of /proc/self/mountinfo is not understood: %q", line)
		}
		mounts = append(mounts, mount{point: unescape(fields[4]), kind: kind[0]})
	}
	return mounts, nil
}

var octal = regexp.MustCompile(`\\[0-7]{3}`)

// unescape turns the kernel's \040 back into a space, and so on.
func unescape(path string) string {
	return octal.ReplaceAllStringFunc(path, func(escaped string) string {
		code, err := strconv.ParseUint(escaped[1:], 8, 8)
		if err != nil {
			return escaped
		}
		return string([]byte{byte(code)})
	})
}
