package web

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
)

const (
	indexName  = "index.html"
	noncePlace = "__CSP_NONCE__" // where the page wants its nonce
)

// policy is the content security policy of the page: where its styles come from beside its own files, and what it calls
// beside its own origin. The names of trusted types are those of Angular: the last one is for its registry of icons.
func policy(styles, calls string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self' " + styles + "; img-src 'self' data: blob:; font-src 'self'; " +
		"connect-src 'self' " + calls + "; manifest-src 'self'; worker-src 'self'; base-uri 'self'; form-action 'self'; " +
		"object-src 'none'; require-trusted-types-for 'script'; " +
		"trusted-types angular angular#bundler angular#unsafe-bypass angular#components"
}

const missingPage = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Fleetbeat</title>
<p>This binary was built without the dashboard. <code>make build</code> builds it with. The API is at <a href="/docs">/docs</a>.</p>
</html>
`

// Handler serves the files of a built page.
type Handler struct {
	files fs.FS
	index []byte // nil when there is no build
	tags  map[string]string
}

// New reads the page and makes the tags by which browsers ask whether a file has changed.
func New(files fs.FS) (*Handler, error) {
	h := &Handler{files: files, tags: make(map[string]string)}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		h.tags[name] = `"` + hex.EncodeToString(sum[:8]) + `"`
		if name == indexName {
			h.index = data
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the dashboard: %w", err)
	}
	return h, nil
}

// Serves says whether a request is for the page or one of its files: a file that is there, or a page that a browser
// goes to. The latter is the dashboard's to show, whatever its path.
func (h *Handler) Serves(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	return h.file(r) != "" || strings.Contains(r.Header.Get("Accept"), "text/html") || r.URL.Path == "/"
}

// file is the name of the file that a request is for; empty when there is none.
func (h *Handler) file(r *http.Request) string {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if _, there := h.tags[name]; !there || name == indexName || strings.HasPrefix(path.Base(name), ".") {
		return ""
	}
	return name
}

// ServeHTTP answers what Serves takes.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name := h.file(r); name != "" {
		h.serveFile(w, r, name)
		return
	}
	h.servePage(w, r)
}

func (h *Handler) servePage(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-cache")
	page := []byte(missingPage)
	if h.index == nil {
		header.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	} else {
		var secret [16]byte
		_, _ = rand.Read(secret[:]) // it never fails
		nonce := base64.RawStdEncoding.EncodeToString(secret[:])
		header.Set("Content-Security-Policy", policy("'nonce-"+nonce+"'", "")+"; frame-ancestors 'none'")
		page = bytes.ReplaceAll(h.index, []byte(noncePlace), []byte(nonce))
	}
	header.Set("Content-Length", strconv.Itoa(len(page)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(page) // an error here is the caller's connection
	}
}

// hashed tells a file whose name changes with its content.
var hashed = regexp.MustCompile(`-[A-Za-z0-9_-]{8}\.(js|css|woff2)$`)

func (h *Handler) serveFile(w http.ResponseWriter, r *http.Request, name string) {
	header := w.Header()
	header.Set("Content-Type", typeOf(name))
	header.Set("Vary", "Accept-Encoding")
	header.Set("Cache-Control", "no-cache")
	if hashed.MatchString(name) {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	sent := name
	for _, packed := range [...]struct{ coding, ending string }{{"br", ".br"}, {"gzip", ".gz"}} {
		if _, there := h.tags[name+packed.ending]; there && accepts(r, packed.coding) {
			sent = name + packed.ending
			header.Set("Content-Encoding", packed.coding)
			break
		}
	}
	header.Set("ETag", h.tags[sent])
	if strings.Contains(r.Header.Get("If-None-Match"), h.tags[sent]) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	data, err := fs.ReadFile(h.files, sent)
	if err != nil {
		panic(errors.Join(fs.ErrInvalid, err)) // New has read it
	}
	header.Set("Content-Length", strconv.Itoa(len(data)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(data) // an error here is the caller's connection
	}
}

func typeOf(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".webmanifest":
		return "application/manifest+json"
	case ".woff2":
		return "font/woff2"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// accepts reports whether the caller takes a coding: it names it, and not with the weight 0.
func accepts(r *http.Request, coding string) bool {
	for one := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, weighted := strings.Cut(strings.TrimSpace(one), ";")
		if strings.EqualFold(strings.TrimSpace(name), coding) {
			return !weighted || strings.Trim(strings.TrimPrefix(strings.TrimSpace(weight), "q="), "0.") != ""
		}
	}
	return false
}
