// Package web hands the built browser files to the server.
//
//	Does:   embeds web/console/dist, which make build fills
//	Reads:  nothing
//	Writes: nothing
//	Wakes:  nobody
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:console/dist
var files embed.FS

// Console gives the files of the console. Without a build before, it holds no index.html, and the server says how to make one.
func Console() fs.FS {
	dist, err := fs.Sub(files, "console/dist")
	if err != nil {
		panic("web: the embedded folder has another name: " + err.Error())
	}
	return dist
}
