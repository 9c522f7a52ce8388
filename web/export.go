package web

import (
	"errors"
	"fmt"
	"html"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// What Export replaces in the page.
const (
	apiPlace  = `<meta name="fleetbeat-api" content=""/>`
	nonceAttr = ` nonce="` + noncePlace + `"`
	rootNonce = ` ngcspnonce="` + noncePlace + `"`
)

// Export writes a built page into a folder, for a web server at another origin than the API's, such as a CDN. api is the
// origin of the API. The folder is made; it must be empty when it is there.
//
// What an answer's header says when we serve the page, the page says itself: a content security policy that lets it call
// the API. Files made by whoever serves them, such as compressed ones, are left out.
func Export(files fs.FS, folder, api string) error {
	index, err := fs.ReadFile(files, indexName)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("this binary was built without the dashboard: make build builds it with")
	}
	if err != nil {
		return fmt.Errorf("reading the dashboard: %w", err)
	}
	if there, err := os.ReadDir(folder); err == nil && len(there) > 0 {
		return fmt.Errorf("%s is not empty", folder)
	}
	page := string(index)
	if !strings.Contains(page, apiPlace) {
		return errors.New("the dashboard has no place for the address of the API")
	}
	// Angular adds styles by script; a page that is the same for everybody has no secret that would mark them as its own.
	said := policy("'unsafe-inline'", api)
	page = strings.NewReplacer(
		apiPlace, `<meta name="fleetbeat-api" content="`+html.EscapeString(api)+`"/>`+"\n"+
			`    <meta http-equiv="Content-Security-Policy" content="`+html.EscapeString(said)+`"/>`,
		nonceAttr, "", rootNonce, "",
	).Replace(page)
	return fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		base := filepath.Base(name)
		if strings.HasPrefix(base, ".") || strings.HasSuffix(base, ".br") || strings.HasSuffix(base, ".gz") {
			return nil
		}
		data := []byte(page)
		if name != indexName {
			if data, err = fs.ReadFile(files, name); err != nil {
				return err
			}
		}
		return write(filepath.Join(folder, filepath.FromSlash(name)), data)
	})
}

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // for a web server of another user
		return err
	}
	return os.WriteFile(path, data, 0o644) //nolint:gosec // as above
}
