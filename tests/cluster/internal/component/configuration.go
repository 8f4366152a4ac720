// The configuration files: templates below config/, filled with paths and addresses of the layout.
package component

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"kubelambda.dev/cluster/internal/layout"
	"kubelambda.dev/cluster/internal/pki"
)

//go:embed config
var templates embed.FS

// values is what the templates can name: every path of the layout, and these.
type values struct {
	layout.Layout
	Bridge, BridgeIP, PodNetwork, CNINetwork, CgroupRoot string
	ClusterDomain, DNSHealth, DNSReady, DNSClient        string
	RegistryName, RegistryAddress, PauseImage            string
	KubeletHealthPort, KubeletCertificate, KubeletKey    string
	AuthorityCertificate, PodLogs, VolumePlugins         string
}

func valuesOf(l layout.Layout) values {
	return values{
		Layout: l,
		Bridge: layout.Bridge, BridgeIP: layout.BridgeIP, PodNetwork: layout.PodNetwork,
		CNINetwork: layout.CNINetwork, CgroupRoot: layout.CgroupRoot,
		ClusterDomain: layout.ClusterDomain, DNSHealth: layout.DNSHealth, DNSReady: layout.DNSReady,
		DNSClient:    l.ClientConfig(pki.DNS),
		RegistryName: layout.RegistryName, RegistryAddress: layout.RegistryAddress, PauseImage: layout.PauseImage,
		KubeletHealthPort:  layout.KubeletHealthPort,
		KubeletCertificate: l.Certificate(pki.KubeletServing), KubeletKey: l.Key(pki.KubeletServing),
		AuthorityCertificate: l.Certificate(pki.Authority),
		PodLogs:              filepath.Join(l.Logs(), "pods"),
		VolumePlugins:        filepath.Join(l.Kubelet(), "volume-plugins"),
	}
}

// WriteConfiguration writes all files; running components read them only when they start.
func WriteConfiguration(l layout.Layout) error {
	files := map[string]string{
		"containerd.toml":  l.ConfigFile("containerd.toml"),
		"hosts.toml":       filepath.Join(l.ConfigFile("certs.d"), layout.RegistryHost, "hosts.toml"),
		"network.conflist": filepath.Join(l.CNIConfig(), "10-network.conflist"),
		"kubelet.yaml":     l.ConfigFile("kubelet.yaml"),
		"Corefile":         l.ConfigFile("Corefile"),
		"hosts":            l.ConfigFile("hosts"),
	}
	for name, path := range files {
		if err := render(name, path, valuesOf(l)); err != nil {
			return fmt.Errorf("configuration file %s: %w", name, err)
		}
	}
	return nil
}

func render(name, path string, v values) error {
	source, err := templates.ReadFile("config/" + name)
	if err != nil {
		return err
	}
	parsed, err := template.New(name).Parse(string(source))
	if err != nil {
		return err
	}
	var content bytes.Buffer
	if err := parsed.Execute(&content, v); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content.Bytes(), 0o644)
}
