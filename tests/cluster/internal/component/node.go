// containerd, kubelet and kube-proxy: what runs pods and connects them.
package component

import (
	"context"
	"path/filepath"

	"kubelambda.dev/cluster/internal/layout"
	"kubelambda.dev/cluster/internal/pki"
)

// containerd is Debian's program with a configuration of ours.
func containerd(l layout.Layout, probe prober) Component {
	return Component{
		Name:  "containerd",
		Path:  "containerd",
		Args:  []string{"--config", l.ConfigFile("containerd.toml"), "--log-level", "warn"},
		Ready: probe.containerd,
		Cause: "the packages of tests/cluster/packages.txt are not installed, or the machine lacks overlayfs",
	}
}

func kubelet(l layout.Layout, probe prober) Component {
	return Component{
		Name: "kubelet",
		Args: []string{
			"--config", l.ConfigFile("kubelet.yaml"),
			"--kubeconfig", l.ClientConfig(pki.Kubelet),
			"--root-dir", l.Kubelet(), "--cert-dir", filepath.Join(l.Kubelet(), "pki"),
			"--hostname-override", layout.NodeName, "--node-ip", layout.BridgeIP,
		},
		Ready: func(ctx context.Context) error {
			return probe.http(ctx, "http://127.0.0.1:"+layout.KubeletHealthPort+"/healthz")
		},
		Cause: "containerd does not answer, or the machine does not allow cgroups",
	}
}

func proxy(l layout.Layout, probe prober) Component {
	return Component{
		Name: "kube-proxy",
		Args: []string{
			"--kubeconfig", l.ClientConfig(pki.Proxy), "--hostname-override", layout.NodeName,
			"--proxy-mode", "nftables", "--cluster-cidr", layout.PodNetwork,
			"--healthz-bind-address", layout.ProxyHealth, "--metrics-bind-address", layout.ProxyMetrics,
			// These kernel settings are read-only in a container or a small virtual machine.
			"--conntrack-max-per-core", "0",
			"--conntrack-tcp-timeout-established", "0s", "--conntrack-tcp-timeout-close-wait", "0s",
			"--oom-score-adj", "0",
		},
		Ready: func(ctx context.Context) error { return probe.http(ctx, "http://"+layout.ProxyHealth+"/healthz") },
		Cause: "the kernel lacks nftables, or `nft` is not installed",
	}
}
