// Kubeconfig files with the certificates inside, so that a copy of the file alone is enough to connect, and TLS
// configurations for this program's own probes and uploads. Neither ever skips the verification of a server.
package pki

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"kubelambda.dev/cluster/internal/layout"
)

func ensureKubeconfig(l layout.Layout, name, path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	config, err := kubeconfig(l, name)
	if err != nil {
		return err
	}
	content, err := clientcmd.Write(*config)
	if err != nil {
		return err
	}
	return writeWhole(path, content, 0o600)
}

func kubeconfig(l layout.Layout, name string) (*clientcmdapi.Config, error) {
	const cluster = "kubelambda-cluster"
	ca, err := os.ReadFile(l.Certificate(Authority))
	if err != nil {
		return nil, err
	}
	certificate, err := os.ReadFile(l.Certificate(name))
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(l.Key(name))
	if err != nil {
		return nil, err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters[cluster] = &clientcmdapi.Cluster{Server: layout.APIServer, CertificateAuthorityData: ca}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: certificate, ClientKeyData: key}
	config.Contexts[cluster] = &clientcmdapi.Context{Cluster: cluster, AuthInfo: name}
	config.CurrentContext = cluster
	return config, nil
}

// TrustConfig trusts servers with a certificate of the cluster's authority, and nothing else.
func TrustConfig(l layout.Layout) (*tls.Config, error) {
	ca, err := os.ReadFile(l.Certificate(Authority))
	if err != nil {
		return nil, fmt.Errorf("the cluster's authority (was it ever started?): %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s holds no certificate", l.Certificate(Authority))
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}
