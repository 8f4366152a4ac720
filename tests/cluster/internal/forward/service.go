// The gateway's Service, looked up through the API server. Its addresses are kept until one cannot be reached.
package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

const dialTimeout = 3 * time.Second

// MissingError says what the cluster lacks for a request to be forwarded.
type MissingError struct{ what string }

func (e *MissingError) Error() string { return e.what }

// Service finds the addresses of a Service's ports.
type Service struct {
	client          corev1client.ServicesGetter
	namespace, name string

	mutex     sync.Mutex
	addresses map[string]string
}

// NewService returns the Service of that name, which need not exist yet.
func NewService(client corev1client.ServicesGetter, namespace, name string) *Service {
	return &Service{client: client, namespace: namespace, name: name}
}

// dial connects to the port whose name is the host of the address. When a known address fails, it is looked up again and
// tried once more.
func (s *Service) dial(ctx context.Context, network, address string) (net.Conn, error) {
	port, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	if known, ok := s.known(port); ok {
		if connection, err := dialer.DialContext(ctx, network, known); err == nil {
			return connection, nil
		}
	}
	current, err := s.lookUp(ctx, port)
	if err != nil {
		return nil, err
	}
	connection, err := dialer.DialContext(ctx, network, current)
	if err != nil {
		return nil, fmt.Errorf("the Service %s/%s has no gateway behind its port %q: %w", s.namespace, s.name, port, err)
	}
	return connection, nil
}

func (s *Service) known(port string) (string, bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	address, ok := s.addresses[port]
	return address, ok
}

func (s *Service) lookUp(ctx context.Context, port string) (string, error) {
	service, err := s.client.Services(s.namespace).Get(ctx, s.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", &MissingError{what: fmt.Sprintf("there is no Service %s/%s; is the gateway installed?", s.namespace, s.name)}
	}
	if err != nil {
		return "", fmt.Errorf("look up the Service %s/%s: %w", s.namespace, s.name, err)
	}
	addresses, err := addressesOf(service)
	if err != nil {
		return "", err
	}
	s.mutex.Lock()
	s.addresses = addresses
	s.mutex.Unlock()
	address, ok := addresses[port]
	if !ok {
		return "", &MissingError{what: fmt.Sprintf("the Service %s/%s has no port named %q", s.namespace, s.name, port)}
	}
	return address, nil
}

// addressesOf returns the address of each named port.
func addressesOf(service *corev1.Service) (map[string]string, error) {
	ip := service.Spec.ClusterIP
	if ip == "" || ip == corev1.ClusterIPNone {
		return nil, errors.New("the gateway's Service has no ClusterIP")
	}
	addresses := map[string]string{}
	for _, port := range service.Spec.Ports {
		addresses[port.Name] = net.JoinHostPort(ip, strconv.Itoa(int(port.Port)))
	}
	return addresses, nil
}
