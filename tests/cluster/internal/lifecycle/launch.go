// The start of one component, and the explanation when it fails.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"kubelambda.dev/cluster/internal/component"
	"kubelambda.dev/cluster/internal/layout"
	"kubelambda.dev/cluster/internal/process"
)

const (
	// startLimit bounds the wait for one component; on two busy cores the slowest needs about five seconds.
	startLimit = 90 * time.Second
	// probeLimit bounds one question to it, and probeInterval is the time between two.
	probeLimit    = 2 * time.Second
	probeInterval = 40 * time.Millisecond
	// intruderLimit bounds the question whether something else answers in its place.
	intruderLimit = 200 * time.Millisecond
)

// ensureRunning starts the component unless it runs, and waits until it works.
func ensureRunning(ctx context.Context, l layout.Layout, c component.Component) error {
	p, runs := process.Recorded(l, c.Name)
	if !runs {
		if err := refuseIntruder(ctx, c); err != nil {
			return err
		}
		var err error
		p, err = process.Start(l, process.Program{Name: c.Name, Path: c.Path, Args: c.Args})
		if err != nil {
			return explain(l, c, err)
		}
	}
	err := waitFor(ctx, startLimit, func(ctx context.Context) error {
		if !p.Running() {
			return final{errors.New("it ended")}
		}
		return c.Ready(ctx)
	})
	if errors.Is(err, context.Canceled) {
		return err // another component's failure, or the caller, ended the wait
	}
	if err != nil {
		return explain(l, c, err)
	}
	return nil
}

// refuseIntruder fails when the component seems to work already, though the cluster does not run it.
func refuseIntruder(ctx context.Context, c component.Component) error {
	ctx, cancel := context.WithTimeout(ctx, intruderLimit)
	defer cancel()
	if c.Ready(ctx) == nil {
		return fmt.Errorf("%s is not started: a process that this cluster did not start answers at its address\nlikely cause: %s", c.Name, c.Cause)
	}
	return nil
}

// final marks an error that no further waiting can cure.
type final struct{ error }

// waitFor asks again and again until the answer is nil, and returns the last error when the time is over.
func waitFor(ctx context.Context, limit time.Duration, ask func(context.Context) error) error {
	over := time.After(limit)
	next := time.NewTicker(probeInterval)
	defer next.Stop()
	for {
		err := askOnce(ctx, ask)
		var unrecoverable final
		if err == nil || errors.As(err, &unrecoverable) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over:
			return fmt.Errorf("not ready after %v: %w", limit, err)
		case <-next.C:
		}
	}
}

func askOnce(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	return ask(ctx)
}

// explain adds to the error what helps to find its cause.
func explain(l layout.Layout, c component.Component, err error) error {
	lines := lastLines(l.Log(c.Name), 12)
	return fmt.Errorf("%s does not start: %w\nlikely cause: %s\nlog: %s\n%s",
		c.Name, err, likelyCause(c, lines), l.Log(c.Name), lines)
}

// likelyCause prefers what the log says over what is usually the matter.
func likelyCause(c component.Component, log string) string {
	for _, known := range []struct{ text, cause string }{
		{"address already in use", "another program uses its port"},
		{"no space left on device", "the disk is full"},
		{"too many open files", "the limit of open files or of inotify instances is reached"},
		{"certificate signed by unknown authority", "state of another start with other certificates; `cluster stop --purge` removes it"},
	} {
		if strings.Contains(log, known.text) {
			return known.cause
		}
	}
	return c.Cause
}

func lastLines(path string, count int) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}
