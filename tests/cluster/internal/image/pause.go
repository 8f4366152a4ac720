// The pause image: the container that holds the namespaces of a pod. It is imported into containerd, so that no pod depends
// on the registry for it.
package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"kubelambda.dev/cluster/internal/layout"
)

// kubernetesNamespace is where the kubelet's images are in containerd.
const kubernetesNamespace = "k8s.io"

// ImportPause builds the image from the program `pause` beside this one, unless containerd has it.
func ImportPause(ctx context.Context, l layout.Layout) error {
	present, err := ctr(ctx, l, "images", "list", "--quiet", "name=="+layout.PauseImage)
	if err != nil || len(bytes.TrimSpace(present)) > 0 {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp(l.Run(), "pause-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	content, archive := filepath.Join(folder, "content"), filepath.Join(folder, "image.tar")
	if err := placePause(filepath.Join(filepath.Dir(self), "pause"), content); err != nil {
		return err
	}
	if err := writePauseArchive(content, archive); err != nil {
		return fmt.Errorf("build the pause image: %w", err)
	}
	_, err = ctr(ctx, l, "images", "import", archive)
	return err
}

func placePause(program, folder string) error {
	content, err := os.ReadFile(program)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing; tests/cluster/build.sh builds it", program)
	}
	if err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "pause"), content, 0o755)
}

func writePauseArchive(content, archive string) error {
	image, err := Build(Recipe{
		Folders:  []Folder{{Source: content, Prefix: "/"}},
		Settings: Settings{Entrypoint: []string{"/pause"}, User: "65535:65535"},
	})
	if err != nil {
		return err
	}
	tag, err := name.NewTag(layout.PauseImage)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(archive, tag, image)
}

func ctr(ctx context.Context, l layout.Layout, args ...string) ([]byte, error) {
	args = append([]string{"--address", l.ContainerdSocket(), "--namespace", kubernetesNamespace}, args...)
	output, err := exec.CommandContext(ctx, "ctr", args...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("ctr %v: %w: %s", args, err, bytes.TrimSpace(output))
	}
	return output, nil
}
