// The addresses and names of the cluster. They are constants: one machine runs one such cluster, and certificates,
// configuration files and clean-up must agree on them.
package layout

const (
	// NodeName is the only node.
	NodeName = "node1"

	// Bridge connects the pods; BridgeIP is the machine's address on it, and the node's address.
	Bridge     = "kl0"
	BridgeIP   = "10.244.0.1"
	PodNetwork = "10.244.0.0/24"

	// ServiceNetwork holds the ClusterIPs; the first is the API server's.
	ServiceNetwork = "10.96.0.0/16"
	APIServiceIP   = "10.96.0.1"

	// APIServer listens on the bridge only, so that nothing outside of this machine reaches it.
	APIServerPort = "6443"
	APIServer     = "https://" + BridgeIP + ":" + APIServerPort

	// Etcd is plain HTTP on loopback, which pods cannot reach; the ports leave the usual ones free.
	EtcdClients = "http://127.0.0.1:12379"
	EtcdPeers   = "http://127.0.0.1:12380"

	// Health endpoints.
	ControllerManagerPort = "10257"
	SchedulerPort         = "10259"
	KubeletHealthPort     = "10248"
	ProxyHealth           = "127.0.0.1:10256"
	ProxyMetrics          = "127.0.0.1:10249"
	DNSHealth             = "127.0.0.1:18080"
	DNSReady              = "127.0.0.1:18181"

	// DNS is where pods ask.
	DNS           = BridgeIP + ":53"
	ClusterDomain = "cluster.local"

	// RegistryHost is the name in image references; RegistryName is the same without the port. Only containerd, CoreDNS
	// and this program know where it is: RegistryAddress.
	RegistryName    = "registry.test"
	RegistryHost    = RegistryName + ":5000"
	RegistryAddress = BridgeIP + ":5000"

	// PauseImage is the container that holds a pod's namespaces; it is imported, never pulled.
	PauseImage = "kubelambda.test/pause:1"

	// CNINetwork names the pod network.
	CNINetwork = "kubelambda-cluster"

	// FirewallTable is the nftables table with the masquerade rule; kube-proxy makes its own.
	FirewallTable = "kubelambda-cluster"

	// CgroupRoot is the cgroup below which the kubelet makes `kubepods`.
	CgroupRoot = "kubelambda-cluster"

	// MarkerVariable is in the environment of every process that `start` launches, with the state folder as its value,
	// and is inherited by containerd's shims but not by containers.
	MarkerVariable = "KUBELAMBDA_CLUSTER_DIR"
)
