// etcd, kube-apiserver, kube-controller-manager and kube-scheduler.
package component

import (
	"context"
	"time"

	"kubelambda.dev/cluster/internal/layout"
	"kubelambda.dev/cluster/internal/pki"
)

func etcd(l layout.Layout, probe prober) Component {
	return Component{
		Name: "etcd",
		Args: []string{
			"--data-dir", l.Etcd(),
			// The state is a test's and may be lost with the machine.
			"--unsafe-no-fsync",
			"--listen-client-urls", layout.EtcdClients, "--advertise-client-urls", layout.EtcdClients,
			"--listen-peer-urls", layout.EtcdPeers, "--initial-advertise-peer-urls", layout.EtcdPeers,
			"--initial-cluster", "default=" + layout.EtcdPeers,
			"--log-level", "warn",
		},
		Ready: func(ctx context.Context) error { return probe.http(ctx, layout.EtcdClients+"/readyz") },
		Cause: "its data is damaged; `cluster stop --purge` removes it",
	}
}

func apiServer(l layout.Layout, probe prober) Component {
	return Component{
		Name: "kube-apiserver",
		Args: []string{
			"--etcd-servers", layout.EtcdClients,
			"--bind-address", layout.BridgeIP, "--secure-port", layout.APIServerPort, "--advertise-address", layout.BridgeIP,
			"--tls-cert-file", l.Certificate(pki.APIServer), "--tls-private-key-file", l.Key(pki.APIServer),
			"--client-ca-file", l.Certificate(pki.Authority), "--anonymous-auth=false",
			"--authorization-mode", "Node,RBAC", "--enable-admission-plugins", "NodeRestriction", "--allow-privileged=true",
			"--service-cluster-ip-range", layout.ServiceNetwork,
			"--service-account-issuer", "https://kubernetes.default.svc." + layout.ClusterDomain,
			"--service-account-key-file", pki.TokenVerifier(l), "--service-account-signing-key-file", l.Key(pki.ServiceAccounts),
			"--kubelet-preferred-address-types", "InternalIP",
			"--kubelet-certificate-authority", l.Certificate(pki.Authority),
			"--kubelet-client-certificate", l.Certificate(pki.APIServerToNode),
			"--kubelet-client-key", l.Key(pki.APIServerToNode),
			"--profiling=false",
		},
		Ready: probe.apiServer,
		Cause: "etcd does not answer, or its data was written with other certificates",
		// It would wait up to a minute for watches to end.
		Grace: 2 * time.Second,
	}
}

func controllerManager(l layout.Layout, probe prober) Component {
	config := l.ClientConfig(pki.ControllerManager)
	return Component{
		Name: "kube-controller-manager",
		Args: []string{
			"--kubeconfig", config, "--authentication-kubeconfig", config, "--authorization-kubeconfig", config,
			"--bind-address", "127.0.0.1", "--secure-port", layout.ControllerManagerPort,
			"--tls-cert-file", l.Certificate(pki.Loopback), "--tls-private-key-file", l.Key(pki.Loopback),
			"--root-ca-file", l.Certificate(pki.Authority),
			"--service-account-private-key-file", l.Key(pki.ServiceAccounts), "--use-service-account-credentials",
			"--cluster-cidr", layout.PodNetwork, "--service-cluster-ip-range", layout.ServiceNetwork,
			"--leader-elect=false",
			"--kube-api-qps", "200", "--kube-api-burst", "400",
			"--profiling=false",
		},
		Ready: func(ctx context.Context) error {
			return probe.http(ctx, "https://127.0.0.1:"+layout.ControllerManagerPort+"/healthz")
		},
		Cause: "the API server does not accept its certificate",
	}
}

func scheduler(l layout.Layout, probe prober) Component {
	config := l.ClientConfig(pki.Scheduler)
	return Component{
		Name: "kube-scheduler",
		Args: []string{
			"--kubeconfig", config, "--authentication-kubeconfig", config, "--authorization-kubeconfig", config,
			"--bind-address", "127.0.0.1", "--secure-port", layout.SchedulerPort,
			"--tls-cert-file", l.Certificate(pki.Loopback), "--tls-private-key-file", l.Key(pki.Loopback),
			"--leader-elect=false",
			"--kube-api-qps", "200", "--kube-api-burst", "400",
			"--profiling=false",
		},
		Ready: func(ctx context.Context) error {
			return probe.http(ctx, "https://127.0.0.1:"+layout.SchedulerPort+"/healthz")
		},
		Cause: "the API server does not accept its certificate",
	}
}
