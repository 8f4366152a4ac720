package process

import (
	"os"
	"testing"
	"time"

	"kubelambda.dev/cluster/internal/layout"
)

func newLayout(t *testing.T) layout.Layout {
	t.Helper()
	l, err := layout.At(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Create(); err != nil {
		t.Fatal(err)
	}
	return l
}

func sleeper(t *testing.T, l layout.Layout, script string) Process {
	t.Helper()
	p, err := Start(l, Program{Name: "sleeper", Path: "/bin/sh", Args: []string{"sh", "-c", script}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.End(0) })
	return p
}

func TestStartedProcessIsRecordedAndMarked(t *testing.T) {
	l := newLayout(t)
	p := sleeper(t, l, "exec sleep 60")
	if recorded, runs := Recorded(l, "sleeper"); !runs || recorded != p {
		t.Errorf("%+v is recorded, %v, not %+v", recorded, runs, p)
	}
	// The mark appears with the shell, a moment after the fork.
	deadline := time.Now().Add(5 * time.Second)
	for {
		marked, err := Marked(l)
		if err != nil {
			t.Fatal(err)
		}
		if len(marked) >= 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the process is not found by its mark")
		}
	}
	if err := p.End(5 * time.Second); err != nil || p.Running() {
		t.Errorf("after its end it runs: %v, error %v", p.Running(), err)
	}
	if _, runs := Recorded(l, "sleeper"); runs {
		t.Error("the pid file of an ended process counts")
	}
}

func TestDeafProcessIsKilled(t *testing.T) {
	p := sleeper(t, newLayout(t), "trap '' TERM; while :; do sleep 0.1; done")
	if err := p.End(100 * time.Millisecond); err != nil || p.Running() {
		t.Errorf("it runs: %v, error %v", p.Running(), err)
	}
}

func TestAnotherProcessWithTheSameIDIsSpared(t *testing.T) {
	p := sleeper(t, newLayout(t), "exec sleep 60")
	impostor := Process{ID: p.ID, Started: "1"}
	if err := impostor.End(0); err != nil {
		t.Fatal(err)
	}
	if impostor.Running() || !p.Running() {
		t.Error("the process was taken for another one")
	}
}

func TestDamagedPIDFileIsIgnored(t *testing.T) {
	l := newLayout(t)
	for _, content := range []string{"", "12", "x y\n", "999999999 5\n"} {
		if err := os.WriteFile(l.PIDFile("damaged"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, runs := Recorded(l, "damaged"); runs {
			t.Errorf("%q counts", content)
		}
	}
}
