// The report on what runs.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"kubelambda.dev/cluster/internal/component"
	"kubelambda.dev/cluster/internal/layout"
	"kubelambda.dev/cluster/internal/process"
)

// ErrNotAllRunning is the result of Status unless everything runs and the node is ready.
var ErrNotAllRunning = errors.New("the cluster does not run completely; `cluster start` starts what is missing")

// Status prints a table of the components and of the node.
func Status(ctx context.Context, l layout.Layout, out io.Writer) error {
	waves, err := component.Waves(l, component.Options{})
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "COMPONENT\tSTATE\tPID")
	complete := true
	for _, wave := range waves {
		for _, c := range wave {
			state, id := "stopped", "-"
			if p, runs := process.Recorded(l, c.Name); runs {
				state, id = "running", strconv.Itoa(p.ID)
			} else {
				complete = false
			}
			fmt.Fprintf(table, "%s\t%s\t%s\n", c.Name, state, id)
		}
	}
	node := nodeState(ctx, l)
	fmt.Fprintf(table, "node %s\t%s\t-\n", layout.NodeName, node)
	if err := table.Flush(); err != nil {
		return err
	}
	if !complete || node != "ready" {
		return ErrNotAllRunning
	}
	return nil
}

func nodeState(ctx context.Context, l layout.Layout) string {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	client, err := component.Client(l)
	if err != nil {
		return "unknown"
	}
	if _, runs := process.Recorded(l, "kube-apiserver"); !runs {
		return "unknown"
	}
	if err := nodeReady(ctx, client); err != nil {
		return "not ready"
	}
	return "ready"
}
