// Package web is the dashboard: the built page, embedded, and the handler that serves it.
//
// What enters: requests of browsers for pages and their files. What leaves: files that a browser may keep for ever, and
// the page itself, which it asks for each time. What it promises: no path of the API is answered here, and a file that is
// missing is never answered by the page.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Built is the page as the build left it. It has no index.html when there was none.
func Built() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is one that there is
	}
	return files
}
