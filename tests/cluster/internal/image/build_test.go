package image

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// newFolder makes a folder with what an image must keep: a mode, a symbolic link, a folder.
func newFolder(t *testing.T, modified time.Time) string {
	t.Helper()
	folder := t.TempDir()
	program := filepath.Join(folder, "bin", "program")
	if err := errors.Join(
		os.Mkdir(filepath.Join(folder, "bin"), 0o755),
		os.WriteFile(program, []byte("content"), 0o755),
		os.Chmod(program, 0o755|fs.ModeSetuid),
		os.Symlink("program", filepath.Join(folder, "bin", "alias")),
		os.Chtimes(program, modified, modified),
	); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestSameContentHasSameDigest(t *testing.T) {
	var digests []string
	for _, modified := range []time.Time{time.Unix(1, 0), time.Unix(2_000_000_000, 0)} {
		image, err := Build(Recipe{Folders: []Folder{{Source: newFolder(t, modified), Prefix: "/opt"}}})
		if err != nil {
			t.Fatal(err)
		}
		digest, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest.String())
	}
	if digests[0] != digests[1] {
		t.Errorf("the digests differ: %v", digests)
	}
}

func TestArchiveKeepsWhatMatters(t *testing.T) {
	archive := Folder{Source: newFolder(t, time.Now()), Prefix: "/opt/code"}.open()
	defer archive.Close()
	var names []string
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
		if header.Uid != 0 || header.Gid != 0 || header.ModTime.Unix() != 0 {
			t.Errorf("%s has owner %d:%d and time %v", header.Name, header.Uid, header.Gid, header.ModTime)
		}
		if header.Name == "opt/code/bin/program" && header.Mode != 0o4755 {
			t.Errorf("the program has mode %o", header.Mode)
		}
		if header.Name == "opt/code/bin/alias" && header.Linkname != "program" {
			t.Errorf("the link leads to %q", header.Linkname)
		}
	}
	want := []string{"opt/", "opt/code/", "opt/code/bin/", "opt/code/bin/alias", "opt/code/bin/program"}
	if !slices.Equal(names, want) {
		t.Errorf("the archive holds %v, not %v", names, want)
	}
}

func TestSettingsReplaceThoseOfTheBase(t *testing.T) {
	base, err := Build(Recipe{Settings: Settings{Entrypoint: []string{"a"}, Command: []string{"b"}, User: "1", Environment: []string{"A=1"}}})
	if err != nil {
		t.Fatal(err)
	}
	image, err := Build(Recipe{Base: base, Settings: Settings{Entrypoint: []string{"c"}, Environment: []string{"B=2"}}})
	if err != nil {
		t.Fatal(err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config := file.Config
	if !slices.Equal(config.Entrypoint, []string{"c"}) || config.Cmd != nil || config.User != "1" || !slices.Equal(config.Env, []string{"A=1", "B=2"}) {
		t.Errorf("the configuration is %+v", config)
	}
}

func TestParseFolder(t *testing.T) {
	existing := t.TempDir()
	if f, err := ParseFolder(existing + ":var/task/"); err != nil || f != (Folder{Source: existing, Prefix: "/var/task"}) {
		t.Errorf("got %+v and %v", f, err)
	}
	for _, text := range []string{"", "/only", ":/x", existing + "/missing:/x"} {
		if _, err := ParseFolder(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
