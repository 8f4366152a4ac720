// The images in the cluster's registry.
package image

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"text/tabwriter"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"kubelambda.dev/cluster/internal/layout"
	"kubelambda.dev/cluster/internal/pki"
)

// Store is the registry.
type Store struct{ options []remote.Option }

// OpenStore connects to the registry of the cluster with this state folder.
func OpenStore(ctx context.Context, l layout.Layout) (Store, error) {
	trust, err := pki.TrustConfig(l)
	if err != nil {
		return Store{}, err
	}
	transport := &http.Transport{
		TLSClientConfig: trust,
		// The registry's name exists only within the cluster.
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, layout.RegistryAddress)
		},
	}
	return Store{options: []remote.Option{remote.WithContext(ctx), remote.WithTransport(transport)}}, nil
}

// Push uploads what the registry does not have yet of the image, and returns its reference by digest.
func (s Store) Push(reference string, image v1.Image) (string, error) {
	ref, err := parse(reference)
	if err != nil {
		return "", err
	}
	digest, err := image.Digest()
	if err != nil {
		return "", fmt.Errorf("digest of %s: %w", ref, err)
	}
	if err := remote.Write(ref, image, s.options...); err != nil {
		return "", fmt.Errorf("push %s: %w", ref, err)
	}
	return ref.Context().Digest(digest.String()).String(), nil
}

// Image returns the one in the registry.
func (s Store) Image(reference string) (v1.Image, error) {
	ref, err := parse(reference)
	if err != nil {
		return nil, err
	}
	image, err := remote.Image(ref, s.options...)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", ref, err)
	}
	return image, nil
}

// List prints a line for each tag.
func (s Store) List(ctx context.Context, out io.Writer) error {
	registry, err := name.NewRegistry(layout.RegistryHost)
	if err != nil {
		return err
	}
	repositories, err := remote.Catalog(ctx, registry, s.options...)
	if err != nil {
		return fmt.Errorf("list the registry's images: %w", err)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, repository := range repositories {
		if err := s.listTags(table, registry.Repo(repository)); err != nil {
			return err
		}
	}
	return table.Flush()
}

func (s Store) listTags(out io.Writer, repository name.Repository) error {
	tags, err := remote.List(repository, s.options...)
	if err != nil {
		return fmt.Errorf("list the tags of %s: %w", repository, err)
	}
	for _, tag := range tags {
		descriptor, err := remote.Head(repository.Tag(tag), s.options...)
		if err != nil {
			return fmt.Errorf("tag %s of %s: %w", tag, repository, err)
		}
		fmt.Fprintf(out, "%s:%s\t%s\n", repository, tag, descriptor.Digest)
	}
	return nil
}

// Inspect prints the manifest and the configuration as one JSON object.
func (s Store) Inspect(reference string, out io.Writer) error {
	image, err := s.Image(reference)
	if err != nil {
		return err
	}
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	manifest, err := image.Manifest()
	if err != nil {
		return err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(map[string]any{"digest": digest.String(), "manifest": manifest, "config": config})
}

// parse accepts references with or without the registry, which is always the cluster's.
func parse(reference string) (name.Reference, error) {
	short := strings.TrimPrefix(reference, layout.RegistryHost+"/")
	ref, err := name.ParseReference(layout.RegistryHost + "/" + short)
	if err != nil {
		return nil, fmt.Errorf("image reference %q: %w", reference, err)
	}
	return ref, nil
}
