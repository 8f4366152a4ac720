// Package component describes the programs that make up the cluster: how each is called, how to tell that it works, and
// what usually is the matter when it does not. Kubernetes' control plane is in controlplane.go, what runs pods in node.go and
// what the project adds in additions.go; configuration.go writes their files and probe.go asks whether they work.
//
// It describes only. Starting and stopping is the package lifecycle's.
package component

import (
	"context"
	"os"
	"time"

	"kubelambda.dev/cluster/internal/layout"
)

// Component is one long-running program.
type Component struct {
	Name string
	// Path of the program; empty for this program itself, which contains most of them (package programs).
	Path string
	Args []string
	// Ready returns nil once the component works, and otherwise what is missing.
	Ready func(context.Context) error
	// Cause is the likely cause when it does not start.
	Cause string
	// Grace is how long it may take to end by itself.
	Grace time.Duration
}

// Options are what a caller can choose.
type Options struct {
	Gateway Gateway
}

// Gateway says where the forwarder listens and to which Service it forwards.
type Gateway struct {
	Listen    string
	Namespace string
	Service   string
}

// Waves returns the components in the order of their start. Those of a wave need only the waves before.
func Waves(l layout.Layout, o Options) ([][]Component, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	probe := prober{layout: l}
	waves := [][]Component{
		{etcd(l, probe), containerd(l, probe), registry(l, probe)},
		{apiServer(l, probe)},
		{
			controllerManager(l, probe), scheduler(l, probe), kubelet(l, probe), proxy(l, probe),
			dns(l, probe), forwarder(l, o.Gateway, probe),
		},
	}
	for _, wave := range waves {
		for i := range wave {
			wave[i].complete(self)
		}
	}
	return waves, nil
}

// complete sets what the descriptions leave out.
func (c *Component) complete(self string) {
	if c.Path == "" {
		c.Path = self
	}
	c.Args = append([]string{c.Name}, c.Args...)
	if c.Grace == 0 {
		c.Grace = 5 * time.Second
	}
}
