package forward

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

// gateway answers with what it received.
func gateway(t *testing.T, port string) corev1.ServicePort {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s %v", port, r.Host, r.RequestURI, r.Header)
	}))
	t.Cleanup(server.Close)
	return servicePort(t, port, server.Listener.Addr())
}

func servicePort(t *testing.T, name string, address net.Addr) corev1.ServicePort {
	t.Helper()
	_, text, err := net.SplitHostPort(address.String())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return corev1.ServicePort{Name: name, Port: int32(number)}
}

func service(ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "gw"},
		Spec:       corev1.ServiceSpec{ClusterIP: "127.0.0.1", Ports: ports},
	}
}

// proxyTo returns the address of a proxy, and the cluster in which it looks up the Service.
func proxyTo(t *testing.T, services ...*corev1.Service) (string, *fake.Clientset) {
	t.Helper()
	client := fake.NewClientset()
	for _, s := range services {
		if err := client.Tracker().Add(s); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(newProxy(NewService(client.CoreV1(), "ns", "gw")))
	t.Cleanup(server.Close)
	return server.URL, client
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "name.example"
	request.Header = http.Header{"X-Forwarded-For": {"192.0.2.1"}, "User-Agent": {"test"}, "Accept-Encoding": {"identity"}}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestRequestsPassUnchanged(t *testing.T) {
	url, _ := proxyTo(t, service(gateway(t, apiPort), gateway(t, metricsPort)))
	headers := " map[Accept-Encoding:[identity] User-Agent:[test] X-Forwarded-For:[192.0.2.1]]"
	for path, port := range map[string]string{"/a%2Fb?c=1;d": apiPort, "/metrics": metricsPort, "/metrics/x": apiPort} {
		status, body := get(t, url+path)
		if want := port + " name.example " + path + headers; status != http.StatusOK || body != want {
			t.Errorf("%s: got %d %q, not %q", path, status, body, want)
		}
	}
}

func TestMissingServiceIsUnavailable(t *testing.T) {
	url, _ := proxyTo(t)
	if status, body := get(t, url); status != http.StatusServiceUnavailable || !strings.Contains(body, "no Service ns/gw") {
		t.Errorf("got %d %q", status, body)
	}
}

func TestMissingPortIsUnavailable(t *testing.T) {
	url, _ := proxyTo(t, service(gateway(t, apiPort)))
	if status, body := get(t, url+metricsPath); status != http.StatusServiceUnavailable || !strings.Contains(body, metricsPort) {
		t.Errorf("got %d %q", status, body)
	}
}

// deadPort returns one on which nothing listens.
func deadPort(t *testing.T) corev1.ServicePort {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return servicePort(t, apiPort, listener.Addr())
}

func TestUnreachableGatewayIsABadGateway(t *testing.T) {
	url, _ := proxyTo(t, service(deadPort(t)))
	if status, body := get(t, url); status != http.StatusBadGateway {
		t.Errorf("got %d %q", status, body)
	}
}

func TestAddressIsLookedUpAgainWhenItFails(t *testing.T) {
	url, client := proxyTo(t, service(deadPort(t)))
	get(t, url)
	moved := service(gateway(t, apiPort))
	if _, err := client.CoreV1().Services("ns").Update(context.Background(), moved, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if status, body := get(t, url); status != http.StatusOK {
		t.Errorf("got %d %q", status, body)
	}
}

func TestAResponseMayBeginBeforeTheRequestIsRead(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		controller := http.NewResponseController(w)
		_ = controller.EnableFullDuplex()
		_, _ = io.WriteString(w, "early ")
		_ = controller.Flush()
		_, _ = io.Copy(w, r.Body)
	}))
	t.Cleanup(server.Close)
	url, _ := proxyTo(t, service(servicePort(t, apiPort, server.Listener.Addr())))
	body, rest := io.Pipe()
	// A proxy that waits for the rest must not keep the test from ending.
	giveUp := time.AfterFunc(5*time.Second, func() { _ = rest.CloseWithError(io.ErrUnexpectedEOF) })
	defer giveUp.Stop()
	request, err := http.NewRequest(http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	request.ContentLength = int64(len("first last"))
	go func() { _, _ = io.WriteString(rest, "first ") }()
	response, err := (&http.Client{Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	begin := make([]byte, len("early "))
	if _, err := io.ReadFull(response.Body, begin); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(rest, "last"); _ = rest.Close() }()
	end, err := io.ReadAll(response.Body)
	if err != nil || string(begin)+string(end) != "early first last" {
		t.Errorf("got %q and %v", string(begin)+string(end), err)
	}
}
