package registry

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// serve returns a reference to an image in a registry with this folder.
func serve(t *testing.T, folder string) name.Reference {
	t.Helper()
	handler, err := newHandler(folder)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	reference, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://") + "/some/image:tag")
	if err != nil {
		t.Fatal(err)
	}
	return reference
}

func TestImagesSurviveARestart(t *testing.T) {
	folder := t.TempDir()
	pushed, err := random.Image(100, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(serve(t, folder), pushed); err != nil {
		t.Fatal(err)
	}
	pulled, err := remote.Image(serve(t, folder))
	if err != nil {
		t.Fatal(err)
	}
	want, _ := pushed.Digest()
	if got, err := pulled.Digest(); err != nil || got != want {
		t.Errorf("got %v and %v, not %v", got, err, want)
	}
}

func TestIndexesSurviveARestart(t *testing.T) {
	folder := t.TempDir()
	pushed, err := random.Index(100, 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(serve(t, folder), pushed); err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Index(serve(t, folder)); err != nil {
		t.Error(err)
	}
}

func TestDeletedImagesStayDeleted(t *testing.T) {
	folder := t.TempDir()
	pushed, err := random.Image(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	reference := serve(t, folder)
	if err := remote.Write(reference, pushed); err != nil {
		t.Fatal(err)
	}
	if err := remote.Delete(reference); err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Image(serve(t, folder)); err == nil {
		t.Error("the image came back")
	}
}
