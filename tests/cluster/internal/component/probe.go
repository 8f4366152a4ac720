// The questions that tell whether a component works. Each is asked once; the caller asks again.
package component

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"kubelambda.dev/cluster/internal/layout"
	"kubelambda.dev/cluster/internal/pki"
)

type prober struct{ layout layout.Layout }

// http expects the status 200, and for https a certificate of the cluster's authority.
func (p prober) http(ctx context.Context, url string) error {
	trust, err := pki.TrustConfig(p.layout)
	if err != nil {
		return err
	}
	transport := &http.Transport{TLSClientConfig: trust, DisableKeepAlives: true}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 300))
		return fmt.Errorf("%s answers %s: %s", url, response.Status, strings.TrimSpace(string(body)))
	}
	return nil
}

func (p prober) apiServer(ctx context.Context) error {
	client, err := Client(p.layout)
	if err != nil {
		return err
	}
	return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

func (p prober) containerd(ctx context.Context) error {
	output, err := exec.CommandContext(ctx, "ctr", "--address", p.layout.ContainerdSocket(), "version").CombinedOutput()
	if err != nil {
		return fmt.Errorf("ctr version: %w: %s", err, strings.TrimSpace(string(output)))
	}
	return nil
}

// names expects that the cluster's DNS knows all these names.
func (p prober) names(ctx context.Context, names ...string) error {
	resolver := net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, layout.DNS)
		},
	}
	for _, name := range names {
		if _, err := resolver.LookupHost(ctx, name+"."); err != nil {
			return err
		}
	}
	return nil
}

func (p prober) listens(ctx context.Context, address string) error {
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return connection.Close()
}

// Client connects to the API server as the administrator.
func Client(l layout.Layout) (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", l.Kubeconfig())
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}
