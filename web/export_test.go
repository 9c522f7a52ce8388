package web_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fleetbeat/fleetbeat/web"
)

const builtIndex = `<head><meta name="fleetbeat-api" content=""/><link href="a.css" nonce="__CSP_NONCE__"></head>
<fb-root ngcspnonce="__CSP_NONCE__"></fb-root>`

func TestAnExportedPageKnowsItsAPIAndGuardsItself(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "page")
	built := fstest.MapFS{
		"index.html":          {Data: []byte(builtIndex)},
		"index.html.br":       {Data: []byte("old")},
		"media/font.woff2":    {Data: []byte("font")},
		".gitignore":          {Data: []byte("*")},
		"main-AAAAAAAA.js":    {Data: []byte("js")},
		"main-AAAAAAAA.js.gz": {Data: []byte("gz")},
	}
	if err := web.Export(built, folder, "https://beat.example.com"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(folder, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	for _, want := range []string{
		`<meta name="fleetbeat-api" content="https://beat.example.com"/>`,
		`connect-src &#39;self&#39; https://beat.example.com;`,
		`script-src &#39;self&#39;;`,
		`<fb-root></fb-root>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s:\n%s", want, page)
		}
	}
	if strings.Contains(page, "__CSP_NONCE__") {
		t.Errorf("the page still waits for a nonce:\n%s", page)
	}
	var names []string
	if err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if !entry.IsDir() {
			names = append(names, strings.TrimPrefix(filepath.ToSlash(path), filepath.ToSlash(folder)+"/"))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(names, " "); got != "index.html main-AAAAAAAA.js media/font.woff2" {
		t.Errorf("the folder holds %s", got)
	}
	if err := web.Export(built, folder, "https://beat.example.com"); err == nil {
		t.Error("a folder with something in it was written over")
	}
}

func TestABinaryWithoutThePageSaysSoInsteadOfExportingNothing(t *testing.T) {
	err := web.Export(fstest.MapFS{}, t.TempDir(), "https://beat.example.com")
	if err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("got %v", err)
	}
}
