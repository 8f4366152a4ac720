// Layers and settings become an image.
package image

import (
	"fmt"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Recipe is what an image is made of.
type Recipe struct {
	// Base is the image that the layers lie on; nil for none.
	Base     v1.Image
	Folders  []Folder
	Archives []string
	Settings Settings
}

// Settings are those of the image's configuration that a caller can set; those not set stay the base image's.
type Settings struct {
	Entrypoint       []string
	Command          []string
	WorkingDirectory string
	Environment      []string
	User             string
}

// Build makes the image. Archives lie below folders, as a base image's root file system lies below the code.
func Build(r Recipe) (v1.Image, error) {
	image := r.Base
	if image == nil {
		var err error
		if image, err = emptyImage(); err != nil {
			return nil, err
		}
	}
	layers, err := r.layers()
	if err != nil {
		return nil, err
	}
	if image, err = mutate.AppendLayers(image, layers...); err != nil {
		return nil, fmt.Errorf("append layers: %w", err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("image configuration: %w", err)
	}
	config := file.Config
	r.Settings.apply(&config)
	return mutate.Config(image, config)
}

func (r Recipe) layers() ([]v1.Layer, error) {
	var layers []v1.Layer
	for _, archive := range r.Archives {
		layer, err := newArchiveLayer(archive)
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", archive, err)
		}
		layers = append(layers, layer)
	}
	for _, folder := range r.Folders {
		layer, err := newFolderLayer(folder)
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", folder.Source, err)
		}
		layers = append(layers, layer)
	}
	return layers, nil
}

func (s Settings) apply(config *v1.Config) {
	if s.Entrypoint != nil {
		// As in a Dockerfile, a new entry point makes the command of the base image meaningless.
		config.Entrypoint, config.Cmd = s.Entrypoint, nil
	}
	if s.Command != nil {
		config.Cmd = s.Command
	}
	if s.WorkingDirectory != "" {
		config.WorkingDir = s.WorkingDirectory
	}
	if s.User != "" {
		config.User = s.User
	}
	config.Env = append(config.Env, s.Environment...)
}

func emptyImage() (v1.Image, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", runtime.GOARCH
	return mutate.ConfigFile(image, file)
}
