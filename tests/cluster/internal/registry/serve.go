// Package registry serves container images to the cluster: a server (this file) around go-containerregistry's registry, which
// keeps layers in files but manifests only in memory, and a journal of manifests that survives a restart (journal.go).
//
// It listens on the bridge only, with a certificate of the cluster. It never fetches an image from elsewhere.
package registry

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"kubelambda.dev/cluster/internal/layout"
	"kubelambda.dev/cluster/internal/pki"
)

// Serve serves until the context ends.
func Serve(ctx context.Context, l layout.Layout) error {
	handler, err := newHandler(l.Registry())
	if err != nil {
		return err
	}
	server := &http.Server{Addr: layout.RegistryAddress, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	err = server.ListenAndServeTLS(l.Certificate(pki.Registry), l.Key(pki.Registry))
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve the registry: %w", err)
}

// newHandler keeps everything below the folder.
func newHandler(folder string) (http.Handler, error) {
	blobs, manifests := filepath.Join(folder, "blobs"), filepath.Join(folder, "manifests")
	for _, dir := range []string{blobs, manifests} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	images := registry.New(
		registry.WithBlobHandler(registry.NewDiskBlobHandler(blobs)),
		registry.Logger(log.New(os.Stderr, "", log.LstdFlags)),
	)
	j := journal{folder: manifests, next: images}
	return j, j.replay()
}
