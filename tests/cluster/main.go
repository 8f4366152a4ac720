// Command cluster is a real Kubernetes cluster of one node for tests, in one program: it starts, stops and fills the cluster
// (commands.go, images.go), and is every program that runs in it but containerd (internal/programs).
//
// It does not tidy up by itself: what `cluster start` started runs until `cluster stop`.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"golang.org/x/sys/unix"

	"kubelambda.dev/cluster/internal/lifecycle"
	"kubelambda.dev/cluster/internal/programs"
)

func main() {
	if run, found := asProgram(); found {
		run()
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	defer stop()
	if err := newCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "cluster: "+err.Error())
		os.Exit(exitCode(err))
	}
}

// asProgram tells whether to be another program: by the name under which this one is called, or by the first argument.
func asProgram() (run func(), found bool) {
	if run, found = programs.Find(filepath.Base(os.Args[0])); found {
		return run, true
	}
	if len(os.Args) < 2 {
		return nil, false
	}
	if run, found = programs.Find(os.Args[1]); found {
		os.Args = os.Args[1:]
	}
	return run, found
}

func exitCode(err error) int {
	if errors.Is(err, lifecycle.ErrNotAllRunning) {
		return 3
	}
	return 1
}
