// Package process starts, recognises and ends the cluster's processes: one process (this file), the pid files that outlive
// the program (pidfile.go) and the search for those without one (marked.go).
//
// A process is its id together with its start time, because ids are used again. A signal goes through a pidfd that was
// opened before the start time was compared, so it can never reach a process that only inherited the id. Nothing here looks
// at the name of a program.
package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"kubelambda.dev/cluster/internal/layout"
)

// Process identifies one process for as long as the machine runs.
type Process struct {
	ID int
	// Started is in clock ticks since the boot, as /proc/PID/stat has it.
	Started string
}

// Program is what Start runs.
type Program struct {
	// Name is the component's: of its log and its pid file.
	Name string
	Path string
	Args []string
}

// Start runs the program detached from this one, in a session of its own, and writes its pid file.
func Start(l layout.Layout, p Program) (Process, error) {
	log, err := os.Create(l.Log(p.Name))
	if err != nil {
		return Process{}, err
	}
	defer log.Close()
	command := exec.Command(p.Path)
	command.Args = p.Args
	command.Dir = l.Dir
	command.Env = append(os.Environ(), layout.MarkerVariable+"="+l.Dir)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return Process{}, fmt.Errorf("start %s: %w", p.Name, err)
	}
	// Collects the process if it ends while this program still runs; afterwards that is init's task.
	go func() { _ = command.Wait() }()
	started, _, err := readStat(command.Process.Pid)
	if err != nil {
		return Process{}, fmt.Errorf("%s ended at once", p.Name)
	}
	process := Process{ID: command.Process.Pid, Started: started}
	return process, writePIDFile(l.PIDFile(p.Name), process)
}

// Running tells whether this very process still runs; one that ended but was not collected yet does not.
func (p Process) Running() bool {
	started, state, err := readStat(p.ID)
	return err == nil && started == p.Started && state != "Z" && state != "X"
}

// End asks the process to end, kills it when the grace is over and returns when it is gone. No such process is no error.
func (p Process) End(grace time.Duration) error {
	fd, err := p.open()
	if err != nil || fd < 0 {
		return err
	}
	defer unix.Close(fd)
	for _, step := range []struct {
		signal unix.Signal
		wait   time.Duration
	}{{unix.SIGTERM, grace}, {unix.SIGKILL, 10 * time.Second}} {
		if err := unix.PidfdSendSignal(fd, step.signal, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("signal process %d: %w", p.ID, err)
		}
		if ended(fd, step.wait) {
			return nil
		}
	}
	return fmt.Errorf("process %d did not end although it was killed", p.ID)
}

// open returns a pidfd of this very process, or -1 where it is gone.
func (p Process) open() (int, error) {
	fd, err := unix.PidfdOpen(p.ID, 0)
	if errors.Is(err, unix.ESRCH) {
		return -1, nil
	}
	if err != nil {
		return -1, fmt.Errorf("open process %d: %w", p.ID, err)
	}
	if !p.Running() {
		return -1, unix.Close(fd)
	}
	return fd, nil
}

// ended waits until the process of the pidfd ends: the kernel then makes it readable.
func ended(fd int, patience time.Duration) bool {
	deadline := time.Now().Add(patience)
	for {
		left := time.Until(deadline)
		if left < 0 {
			return false
		}
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		ready, err := unix.Poll(poll, int(left.Milliseconds())+1)
		if err == nil && ready > 0 {
			return true
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return false
		}
	}
}

// readStat returns start time and state. The program's name comes before them in parentheses and may contain any character.
func readStat(pid int) (started, state string, err error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", "", err
	}
	text := string(content)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const stateField, startField = 0, 19
	if len(fields) <= startField {
		return "", "", fmt.Errorf("/proc/%d/stat is too short", pid)
	}
	return fields[startField], fields[stateField], nil
}
