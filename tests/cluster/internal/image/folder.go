// Package image builds images from folders and moves them to where the cluster finds them: a folder as a tar archive
// (folder.go), as a layer (layer.go), layers and settings as an image (build.go), and the image in the registry (store.go) or,
// for the pause image, in containerd (pause.go).
//
// The same content gives the same digest on every machine and at any time: entries are sorted, have no times and belong to
// root. It never runs a program to build an image.
package image

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Folder is one on this machine, and where its content appears in the image.
type Folder struct {
	Source string
	Prefix string
}

// ParseFolder reads DIR:PREFIX.
func ParseFolder(text string) (Folder, error) {
	colon := strings.LastIndexByte(text, ':')
	if colon <= 0 {
		return Folder{}, fmt.Errorf("%q is not of the form DIR:PREFIX", text)
	}
	f := Folder{Source: text[:colon], Prefix: path.Clean("/" + text[colon+1:])}
	info, err := os.Stat(f.Source)
	if err != nil {
		return Folder{}, err
	}
	if !info.IsDir() {
		return Folder{}, fmt.Errorf("%s is not a folder", f.Source)
	}
	return f, nil
}

// writeTar writes the folder as a tar archive. WalkDir goes in lexical order, which makes the archive deterministic.
func (f Folder) writeTar(out io.Writer) error {
	archive := tar.NewWriter(out)
	if err := writeParents(archive, f.Prefix); err != nil {
		return err
	}
	err := filepath.WalkDir(f.Source, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(f.Source, file)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path.Join(f.Prefix, filepath.ToSlash(relative)), "/")
		if name == "" {
			return nil // the root itself
		}
		return writeEntry(archive, name, file, entry)
	})
	if err != nil {
		return err
	}
	return archive.Close()
}

// writeParents writes the folders above the prefix, which otherwise would get whatever mode the unpacking program likes.
func writeParents(archive *tar.Writer, prefix string) error {
	var parents []string
	for dir := path.Dir(prefix); dir != "/"; dir = path.Dir(dir) {
		parents = append([]string{dir}, parents...)
	}
	for _, dir := range parents {
		header := &tar.Header{Typeflag: tar.TypeDir, Name: strings.TrimPrefix(dir, "/") + "/", Mode: 0o755, ModTime: noTime()}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
	}
	return nil
}

func writeEntry(archive *tar.Writer, name, file string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	header := &tar.Header{Name: name, Mode: modeBits(info.Mode()), ModTime: noTime()}
	switch {
	case info.IsDir():
		header.Typeflag, header.Name = tar.TypeDir, name+"/"
	case info.Mode()&fs.ModeSymlink != 0:
		header.Typeflag = tar.TypeSymlink
		if header.Linkname, err = os.Readlink(file); err != nil {
			return err
		}
	case info.Mode().IsRegular():
		header.Typeflag, header.Size = tar.TypeReg, info.Size()
	default:
		return fmt.Errorf("%s is neither a file nor a folder nor a symbolic link", file)
	}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	if header.Typeflag != tar.TypeReg {
		return nil
	}
	return copyFile(archive, file)
}

func copyFile(out io.Writer, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(out, file)
	return err
}

// modeBits returns the permissions with the three bits that Go keeps apart.
func modeBits(mode fs.FileMode) int64 {
	bits := int64(mode.Perm())
	for flag, bit := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if mode&flag != 0 {
			bits |= bit
		}
	}
	return bits
}

func noTime() time.Time { return time.Unix(0, 0) }
