// CoreDNS, the image registry and the forwarder to the gateway: what a cluster has besides Kubernetes.
package component

import (
	"context"

	"kubelambda.dev/cluster/internal/layout"
)

func dns(l layout.Layout, probe prober) Component {
	return Component{
		Name: "coredns",
		Args: []string{"--corefile", l.ConfigFile("Corefile")},
		Ready: func(ctx context.Context) error {
			return probe.names(ctx, "kubernetes.default.svc."+layout.ClusterDomain, layout.RegistryName)
		},
		Cause: "another name server listens on every address, including the bridge's",
	}
}

func registry(l layout.Layout, probe prober) Component {
	return Component{
		Name:  "registry",
		Args:  []string{"--dir", l.Dir},
		Ready: func(ctx context.Context) error { return probe.http(ctx, "https://"+layout.RegistryAddress+"/v2/") },
		Cause: "its stored images are damaged; `cluster stop --purge` removes them",
	}
}

func forwarder(l layout.Layout, g Gateway, probe prober) Component {
	return Component{
		Name: "forward",
		Args: []string{
			"--dir", l.Dir, "--listen", g.Listen, "--gateway-namespace", g.Namespace, "--gateway-service", g.Service,
		},
		Ready: func(ctx context.Context) error { return probe.listens(ctx, g.Listen) },
		Cause: "another program listens on " + g.Listen + "; --listen chooses another address",
	}
}
