// Package main serves the files of a folder on 127.0.0.1, quickly enough that
// the clients are measured. It says its port in its first line and ends when its
// standard input does, so it cannot outlive whoever started it.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: fileserver FOLDER")
	}
	root, err := os.OpenRoot(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	log.Fatal(http.Serve(listener, files{root}))
}

// files answers with a file as it is: no index pages, no guessed types.
type files struct{ root *os.Root }

func (f files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, err := f.root.Open(r.URL.Path[1:])
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer func() { _ = file.Close() }() // only read
	status, err := file.Stat()
	if err != nil || !status.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", status.ModTime(), file)
}
