// Package forward is the way from the machine to the gateway in the cluster: an HTTP proxy on a loopback address (this file)
// and the Service behind it (service.go).
//
// Requests and responses pass as they are: the proxy changes no header beyond those that belong to one connection, waits for
// nothing before it passes a byte on and bounds nothing. It never answers itself, except to say that the gateway is missing.
package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"os"
	"time"
)

// The gateway's ports by their names in the Service.
const (
	apiPort     = "api"
	metricsPort = "metrics"
	metricsPath = "/metrics"
)

// Serve listens on the address and forwards until the context ends.
func Serve(ctx context.Context, address string, service *Service) error {
	server := &http.Server{Addr: address, Handler: newProxy(service), ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	err := server.ListenAndServe()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("forward %s: %w", address, err)
}

func newProxy(service *Service) http.Handler {
	return duplex(&httputil.ReverseProxy{
		Rewrite:       rewrite,
		FlushInterval: -1,
		Transport: &http.Transport{
			DialContext: service.dial,
			// Otherwise the transport would ask for compression in the client's name.
			DisableCompression:  true,
			MaxIdleConnsPerHost: 512,
			IdleConnTimeout:     5 * time.Second,
		},
		ErrorHandler: explain,
		ErrorLog:     log.New(os.Stderr, "", log.LstdFlags),
	})
}

// duplex lets a response begin while its request is read. Otherwise the server closes the request's body as the response
// begins, and where the transport has not read that body's end yet, it takes that for a failure and cuts the response off.
func duplex(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			log.Printf("forward: %v", err)
		}
		next.ServeHTTP(w, r)
	})
}

// rewrite chooses the port. Its name takes the place of the host: Service.dial turns it into an address.
func rewrite(r *httputil.ProxyRequest) {
	r.Out.URL.Scheme = "http"
	r.Out.URL.Host = apiPort
	if r.In.URL.Path == metricsPath {
		r.Out.URL.Host = metricsPort
	}
	r.Out.Host = r.In.Host
	// ReverseProxy drops what a client could forge and parameters that Go does not understand. Here both are the gateway's
	// to judge.
	r.Out.URL.RawQuery = r.In.URL.RawQuery
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values, sent := r.In.Header[name]; sent {
			r.Out.Header[name] = values
		}
	}
}

func explain(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the client went away
	}
	status := http.StatusBadGateway
	var missing *MissingError
	if errors.As(err, &missing) {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "kubelambda cluster forwarder: "+err.Error()+"\n")
}
