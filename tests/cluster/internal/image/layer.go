// A folder as a layer. It is not compressed: the registry is on the same machine, so compressing would only take time.
package image

import (
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// folderLayer implements v1.Layer. The archive is written anew for each reader and never held in memory.
type folderLayer struct {
	folder Folder
	digest v1.Hash
	size   int64
}

func newFolderLayer(f Folder) (v1.Layer, error) {
	archive := f.open()
	defer archive.Close()
	digest, size, err := v1.SHA256(archive)
	if err != nil {
		return nil, err
	}
	return folderLayer{folder: f, digest: digest, size: size}, nil
}

// newArchiveLayer takes a tar archive as it is, or compresses it quickly if it is not compressed.
func newArchiveLayer(path string) (v1.Layer, error) {
	return tarball.LayerFromFile(path, tarball.WithMediaType(types.OCILayer))
}

// open returns the archive while another goroutine writes it.
func (f Folder) open() io.ReadCloser {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(f.writeTar(writer)) }()
	return reader
}

// Digest is that of the bytes in the registry, DiffID that of the archive: the same without compression.
func (l folderLayer) Digest() (v1.Hash, error) { return l.digest, nil }

// DiffID: see Digest.
func (l folderLayer) DiffID() (v1.Hash, error) { return l.digest, nil }

// Compressed returns the bytes in the registry.
func (l folderLayer) Compressed() (io.ReadCloser, error) { return l.folder.open(), nil }

// Uncompressed returns the archive.
func (l folderLayer) Uncompressed() (io.ReadCloser, error) { return l.folder.open(), nil }

// Size is that of the bytes in the registry.
func (l folderLayer) Size() (int64, error) { return l.size, nil }

// MediaType tells that the layer is not compressed.
func (l folderLayer) MediaType() (types.MediaType, error) { return types.OCIUncompressedLayer, nil }
