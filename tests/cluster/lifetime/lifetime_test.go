// Package lifetime tests the whole program: a cluster that starts, runs a pod and stops leaves the machine as it was, also
// after a crash. It changes this machine, so it runs only as root and with CLUSTER_BINARY naming the built program, while no
// other cluster runs:
//
//	CLUSTER_BINARY=$PWD/../../target/cluster/bin/cluster go test -v ./lifetime
package lifetime

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestStopLeavesNothing(t *testing.T) {
	for _, crash := range []struct {
		name string
		do   func(t *testing.T, c cluster)
	}{
		{"in order", func(*testing.T, cluster) {}},
		{"after every component was killed", killComponents},
		{"after containerd and its shims were killed", killContainerd},
		{"after all pid files were lost", losePIDFiles},
	} {
		t.Run(crash.name, func(t *testing.T) {
			c := newCluster(t)
			before := takeSnapshot(t)
			c.must("start")
			c.runPod()
			crash.do(t, c)
			c.must("stop")
			before.expectSame(t, takeSnapshot(t))
		})
	}
}

func TestStartAgainKeepsState(t *testing.T) {
	c := newCluster(t)
	c.must("start")
	digest := c.runPod()
	before := c.must("status")
	begun := time.Now()
	c.must("start")
	if took := time.Since(begun); took > time.Second {
		t.Errorf("the second start took %v", took)
	}
	if after := c.must("status"); after != before {
		t.Errorf("the second start changed the processes from\n%s\nto\n%s", before, after)
	}
	c.must("stop")
	c.must("stop")
	c.must("start")
	if images := c.must("image", "list"); !strings.Contains(images, digest) {
		t.Errorf("the image %s was lost by a restart: %s", digest, images)
	}
	c.kubectl("wait", "--for=condition=Ready", "pod/sleeper", "--timeout=60s")
}

func TestStartRepairs(t *testing.T) {
	c := newCluster(t)
	c.must("start")
	c.runPod()
	killComponents(t, c)
	if _, err := c.run("status"); err == nil {
		t.Error("status succeeds though nothing runs")
	}
	c.must("start")
	c.must("status")
	c.kubectl("wait", "--for=condition=Ready", "pod/sleeper", "--timeout=60s")
}

// After the end of a container or of a session nothing runs any more, but bridge, mounts and rules are still there.
func TestStartTakesOverFromADeadCluster(t *testing.T) {
	dead := newCluster(t)
	before := takeSnapshot(t)
	dead.must("start")
	dead.runPod()
	other := stateFolder(t)
	if output, err := other.run("start"); err == nil || !strings.Contains(output, dead.dir+" runs on this machine") {
		t.Errorf("a start beside a running cluster: %v\n%s", err, output)
	}
	killAll(t)
	other.must("start")
	other.runPod()
	other.must("stop")
	before.expectSame(t, takeSnapshot(t))
}

func TestStopWithoutStart(t *testing.T) {
	c := newCluster(t)
	before := takeSnapshot(t)
	c.must("stop")
	before.expectSame(t, takeSnapshot(t))
}

// cluster is the program with a state folder of the test's own.
type cluster struct {
	t           *testing.T
	binary, dir string
}

// newCluster returns a cluster that is not started, on a machine without remains of a dead one, which a start removes:
// they would be missed after a stop. The end of the test stops and purges the cluster.
func newCluster(t *testing.T) cluster {
	t.Helper()
	c := stateFolder(t)
	if _, err := os.Stat("/sys/class/net/kl0"); err == nil {
		c.must("start")
		c.must("stop", "--purge")
	}
	return c
}

func stateFolder(t *testing.T) cluster {
	t.Helper()
	binary := os.Getenv("CLUSTER_BINARY")
	if binary == "" || os.Geteuid() != 0 {
		t.Fatal("needs root, and CLUSTER_BINARY naming the built program: see the package's comment")
	}
	// Not t.TempDir, which would delete recursively even what is still mounted there.
	dir, err := os.MkdirTemp("", "cluster-")
	if err != nil {
		t.Fatal(err)
	}
	c := cluster{t: t, binary: binary, dir: dir}
	t.Cleanup(func() {
		c.must("stop", "--purge")
		for _, id := range ourProcesses(t) {
			line, _ := os.ReadFile("/proc/" + id + "/cmdline") // it may end now
			t.Errorf("process %s outlived the purge: %q", id, line)
		}
		for _, path := range []string{"bin/kubectl", "bin", "."} {
			if err := syscall.Rmdir(filepath.Join(dir, path)); err != nil {
				_ = os.Remove(filepath.Join(dir, path))
			}
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is not empty after a purge", dir)
		}
	})
	return c
}

func (c cluster) run(args ...string) (string, error) {
	output, err := exec.Command(c.binary, append(args, "--dir", c.dir)...).CombinedOutput()
	return string(output), err
}

func (c cluster) must(args ...string) string {
	c.t.Helper()
	output, err := c.run(args...)
	if err != nil {
		c.t.Fatalf("cluster %v: %v\n%s", args, err, output)
	}
	return output
}

func (c cluster) kubectl(args ...string) {
	c.t.Helper()
	args = append([]string{"--kubeconfig", filepath.Join(c.dir, "kubeconfig")}, args...)
	output, err := exec.Command(filepath.Join(c.dir, "bin", "kubectl"), args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("kubectl %v: %v\n%s", args, err, output)
	}
}

// runPod runs a pod of an image that it pushes, and returns the image's digest. The program is `pause`, which is static.
func (c cluster) runPod() string {
	c.t.Helper()
	folder := c.t.TempDir()
	pause, err := os.ReadFile(filepath.Join(filepath.Dir(c.binary), "pause"))
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "sleeper"), pause, 0o755); err != nil {
		c.t.Fatal(err)
	}
	reference := strings.TrimSpace(c.must("image", "push", "--name", "sleeper", "--layer", folder+":/bin", "--entrypoint", `["/bin/sleeper"]`))
	c.kubectl("run", "sleeper", "--image", reference)
	c.kubectl("wait", "--for=condition=Ready", "pod/sleeper", "--timeout=60s")
	_, digest, _ := strings.Cut(reference, "@")
	return digest
}

func killComponents(t *testing.T, c cluster) {
	for _, file := range pidFiles(t, c) {
		kill(t, file)
	}
}

func killContainerd(t *testing.T, c cluster) {
	kill(t, filepath.Join(c.dir, "run", "containerd.pid"))
	for _, id := range ourProcesses(t) {
		command, err := os.ReadFile("/proc/" + id + "/cmdline")
		if err == nil && strings.Contains(string(command), filepath.Join(c.dir, "run", "containerd.sock")) {
			killID(t, id)
		}
	}
}

// killAll ends every process of every cluster, as the end of their container does.
func killAll(t *testing.T) {
	for deadline := time.Now().Add(30 * time.Second); ; {
		ids := ourProcesses(t)
		if len(ids) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("processes %v do not end", ids)
		}
		for _, id := range ids {
			number, err := strconv.Atoi(id)
			if err != nil {
				t.Fatal(err)
			}
			_ = syscall.Kill(number, syscall.SIGKILL) // it may have ended with another
		}
	}
}

func losePIDFiles(t *testing.T, c cluster) {
	for _, file := range pidFiles(t, c) {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

func pidFiles(t *testing.T, c cluster) []string {
	files, err := filepath.Glob(filepath.Join(c.dir, "run", "*.pid"))
	if err != nil || len(files) == 0 {
		t.Fatalf("pid files: %v %v", files, err)
	}
	return files
}

func kill(t *testing.T, pidFile string) {
	content, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	id, _, _ := strings.Cut(string(content), " ")
	killID(t, id)
}

func killID(t *testing.T, text string) {
	id, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(id, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}
