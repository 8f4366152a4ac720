// Which certificates there are, and for whom. Kubernetes reads the user from the common name and the groups from the
// organisations of a client certificate, so this table is also the list of the cluster's users.
package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"os"

	"kubelambda.dev/cluster/internal/layout"
)

// Names of the certificates, which are also the names of their files.
const (
	Authority         = "ca"
	APIServer         = "apiserver"
	APIServerToNode   = "apiserver-to-kubelet"
	Loopback          = "loopback"
	Registry          = "registry"
	KubeletServing    = "kubelet-serving"
	Admin             = "admin"
	Kubelet           = "kubelet"
	ControllerManager = "controller-manager"
	Scheduler         = "scheduler"
	Proxy             = "proxy"
	DNS               = "dns"
	Forwarder         = "forwarder"
	ServiceAccounts   = "service-accounts"
)

// Users that the program grants rights to itself; Kubernetes grants the others theirs.
const (
	APIServerToNodeUser = "kube-apiserver-to-kubelet"
	DNSUser             = "kubelambda-cluster:dns"
	ForwarderUser       = "kubelambda-cluster:forwarder"
)

// certificate describes one: a server's where it has names or addresses, otherwise a client's.
type certificate struct {
	name      string
	subject   pkix.Name
	dnsNames  []string
	addresses []net.IP
}

func (c certificate) serves() bool { return len(c.addresses) > 0 }

func (c certificate) usages() []x509.ExtKeyUsage {
	if c.serves() {
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
}

func client(name, user string, groups ...string) certificate {
	return certificate{name: name, subject: pkix.Name{CommonName: user, Organization: groups}}
}

func server(name string, dnsNames []string, addresses ...string) certificate {
	c := certificate{name: name, subject: pkix.Name{CommonName: name}, dnsNames: dnsNames}
	for _, address := range addresses {
		c.addresses = append(c.addresses, net.ParseIP(address))
	}
	return c
}

func certificates() []certificate {
	const loopback = "127.0.0.1"
	apiNames := []string{
		"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
		"kubernetes.default.svc." + layout.ClusterDomain,
	}
	return []certificate{
		server(APIServer, apiNames, loopback, layout.BridgeIP, layout.APIServiceIP),
		server(Loopback, []string{"localhost"}, loopback),
		server(Registry, []string{layout.RegistryName}, layout.BridgeIP, loopback),
		server(KubeletServing, []string{layout.NodeName}, layout.BridgeIP, loopback),
		client(APIServerToNode, APIServerToNodeUser),
		client(Admin, "admin", "system:masters"),
		client(Kubelet, "system:node:"+layout.NodeName, "system:nodes"),
		client(ControllerManager, "system:kube-controller-manager"),
		client(Scheduler, "system:kube-scheduler"),
		client(Proxy, "system:kube-proxy"),
		client(DNS, DNSUser),
		client(Forwarder, ForwarderUser),
	}
}

// kubeconfigs are the clients that connect to the API server with a kubeconfig file.
func kubeconfigs() []string {
	return []string{Admin, Kubelet, ControllerManager, Scheduler, Proxy, DNS, Forwarder}
}

// Ensure makes whatever is missing of keys, certificates and kubeconfig files.
func Ensure(l layout.Layout) error {
	a, err := openAuthority(l)
	if err != nil {
		return fmt.Errorf("certificate authority: %w", err)
	}
	for _, c := range certificates() {
		if err := a.issue(c); err != nil {
			return fmt.Errorf("certificate %s: %w", c.name, err)
		}
	}
	if err := ensureTokenKeys(l); err != nil {
		return fmt.Errorf("keys of the service account tokens: %w", err)
	}
	for _, name := range kubeconfigs() {
		if err := ensureKubeconfig(l, name, l.ClientConfig(name)); err != nil {
			return fmt.Errorf("kubeconfig of %s: %w", name, err)
		}
	}
	return ensureKubeconfig(l, Admin, l.Kubeconfig())
}

// ensureTokenKeys makes the pair of keys that service account tokens are signed and verified with.
func ensureTokenKeys(l layout.Layout) error {
	key, err := openKey(l.Key(ServiceAccounts))
	if err != nil {
		return err
	}
	if _, err := os.Stat(TokenVerifier(l)); err == nil {
		return nil
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	return writePEM(TokenVerifier(l), "PUBLIC KEY", der, 0o644)
}

// TokenVerifier is the file of the public key that verifies service account tokens.
func TokenVerifier(l layout.Layout) string { return l.Certificate(ServiceAccounts) }
