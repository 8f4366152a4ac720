// The journal: each manifest that was accepted, in a file of its own, so that it can be put again when the registry starts.
package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// manifestLimit bounds a manifest, as other registries do.
const manifestLimit = 4 << 20

// journal passes requests on and records the manifests among them.
type journal struct {
	folder string
	next   http.Handler
}

// entry is the content of one file.
type entry struct {
	Path        string `json:"path"`
	ContentType string `json:"contentType"`
	Manifest    []byte `json:"manifest"`
}

// ServeHTTP implements http.Handler.
func (j journal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.URL.Path, "/manifests/") {
		j.next.ServeHTTP(w, r)
		return
	}
	switch r.Method {
	case http.MethodPut:
		j.put(w, r)
	case http.MethodDelete:
		j.next.ServeHTTP(w, r)
		if err := os.Remove(j.file(r.URL.Path)); err != nil && !os.IsNotExist(err) {
			log.Printf("forget manifest %s: %v", r.URL.Path, err)
		}
	default:
		j.next.ServeHTTP(w, r)
	}
}

func (j journal) put(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, manifestLimit))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	observed := &statusWriter{ResponseWriter: w}
	j.next.ServeHTTP(observed, r)
	if observed.status != http.StatusCreated {
		return
	}
	if err := j.record(entry{Path: r.URL.Path, ContentType: r.Header.Get("Content-Type"), Manifest: body}); err != nil {
		// The image can be used; only a restart would lose it.
		log.Printf("record manifest %s: %v", r.URL.Path, err)
	}
}

func (j journal) record(e entry) error {
	content, err := json.Marshal(e)
	if err != nil {
		return err
	}
	unfinished := j.file(e.Path) + ".unfinished"
	if err := os.WriteFile(unfinished, content, 0o644); err != nil {
		return err
	}
	return os.Rename(unfinished, j.file(e.Path))
}

func (j journal) file(path string) string {
	return filepath.Join(j.folder, url.PathEscape(path)+".json")
}

// replay puts all recorded manifests. An index is refused before its images are there, so the refused ones get another try as
// long as that helps.
func (j journal) replay() error {
	files, err := filepath.Glob(filepath.Join(j.folder, "*.json"))
	if err != nil {
		return err
	}
	for len(files) > 0 {
		var refused []string
		for _, file := range files {
			accepted, err := j.replayFile(file)
			if err != nil {
				return fmt.Errorf("manifest %s: %w", file, err)
			}
			if !accepted {
				refused = append(refused, file)
			}
		}
		if len(refused) == len(files) {
			log.Printf("%d recorded manifests are not accepted, the first is %s", len(refused), refused[0])
			return nil
		}
		files = refused
	}
	return nil
}

func (j journal) replayFile(file string) (accepted bool, err error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	var e entry
	if err := json.Unmarshal(content, &e); err != nil {
		return false, err
	}
	request, err := http.NewRequest(http.MethodPut, e.Path, bytes.NewReader(e.Manifest))
	if err != nil {
		return false, err
	}
	request.Header.Set("Content-Type", e.ContentType)
	observed := &statusWriter{ResponseWriter: nowhere{}}
	j.next.ServeHTTP(observed, request)
	return observed.status == http.StatusCreated, nil
}

// statusWriter remembers the status of a response.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// nowhere is the response writer of a replay, which nobody reads.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}
