// The commands that start, stop and report, and those that `start` itself runs as components.
package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"kubelambda.dev/cluster/internal/component"
	"kubelambda.dev/cluster/internal/forward"
	"kubelambda.dev/cluster/internal/layout"
	"kubelambda.dev/cluster/internal/lifecycle"
	"kubelambda.dev/cluster/internal/pki"
	"kubelambda.dev/cluster/internal/registry"
)

// newCommand returns the whole tree. Commands of components are those of Args in package component.
func newCommand() *cobra.Command {
	dir := filepath.Join("target", "cluster")
	root := &cobra.Command{
		Use:           "cluster",
		Short:         "a Kubernetes cluster of one node, for tests",
		Long:          "A Kubernetes cluster of one node, for tests. `cluster kubectl` is kubectl.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().StringVar(&dir, "dir", dir, "state folder")
	root.AddCommand(
		startCommand(&dir), stopCommand(&dir), statusCommand(&dir), imageCommand(&dir),
		registryCommand(&dir), forwardCommand(&dir),
	)
	if componentName := filepath.Base(os.Args[0]); componentName == "registry" || componentName == "forward" {
		root.SetArgs(append([]string{componentName}, os.Args[1:]...))
	}
	return root
}

// withLayout makes a command's function of one that takes the state folder.
func withLayout(dir *string, do func(*cobra.Command, layout.Layout) error) func(*cobra.Command, []string) error {
	return func(command *cobra.Command, _ []string) error {
		l, err := layout.At(*dir)
		if err != nil {
			return err
		}
		return do(command, l)
	}
}

func startCommand(dir *string) *cobra.Command {
	var options component.Options
	command := &cobra.Command{
		Use:   "start",
		Short: "start what does not run, and wait until the cluster works",
		Args:  cobra.NoArgs,
		RunE: withLayout(dir, func(c *cobra.Command, l layout.Layout) error {
			return lifecycle.Start(c.Context(), l, options, c.OutOrStdout())
		}),
	}
	addGatewayFlags(command.Flags(), &options.Gateway)
	return command
}

func stopCommand(dir *string) *cobra.Command {
	var purge bool
	command := &cobra.Command{
		Use:   "stop",
		Short: "stop everything and remove its traces from the machine",
		Args:  cobra.NoArgs,
		RunE: withLayout(dir, func(c *cobra.Command, l layout.Layout) error {
			return lifecycle.Stop(l, purge, c.OutOrStdout())
		}),
	}
	command.Flags().BoolVar(&purge, "purge", false, "also remove the cluster's state, but not the programs in bin/")
	return command
}

func statusCommand(dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "show what runs; succeeds only when everything does",
		Args:  cobra.NoArgs,
		RunE: withLayout(dir, func(c *cobra.Command, l layout.Layout) error {
			return lifecycle.Status(c.Context(), l, c.OutOrStdout())
		}),
	}
}

func registryCommand(dir *string) *cobra.Command {
	return &cobra.Command{
		Use:    "registry",
		Short:  "serve the cluster's images; `start` runs it",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: withLayout(dir, func(c *cobra.Command, l layout.Layout) error {
			return registry.Serve(c.Context(), l)
		}),
	}
}

func forwardCommand(dir *string) *cobra.Command {
	var gateway component.Gateway
	command := &cobra.Command{
		Use:   "forward",
		Short: "forward HTTP requests to the gateway; `start` runs it",
		Args:  cobra.NoArgs,
		RunE: withLayout(dir, func(c *cobra.Command, l layout.Layout) error {
			config, err := clientcmd.BuildConfigFromFlags("", l.ClientConfig(pki.Forwarder))
			if err != nil {
				return err
			}
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				return err
			}
			service := forward.NewService(client.CoreV1(), gateway.Namespace, gateway.Service)
			return forward.Serve(c.Context(), gateway.Listen, service)
		}),
	}
	addGatewayFlags(command.Flags(), &gateway)
	return command
}

func addGatewayFlags(flags *pflag.FlagSet, g *component.Gateway) {
	flags.StringVar(&g.Listen, "listen", "127.0.0.1:9000", "address on which the gateway is reached from this machine")
	flags.StringVar(&g.Namespace, "gateway-namespace", "kubelambda", "namespace of the gateway's Service")
	flags.StringVar(&g.Service, "gateway-service", "kubelambda-gateway", "name of the gateway's Service")
}
