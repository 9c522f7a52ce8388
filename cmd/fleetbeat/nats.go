package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// natsFlags say where a log is that several nodes share.
type natsFlags struct {
	URL      []string `name:"nats" help:"Servers of NATS JetStream that hold the log, which several nodes share: nats://host:4222,... Default: the log is in the folder." placeholder:"URL"`
	File     string   `name:"nats-file" help:"File that holds what --nats would, which may name a password." type:"existingfile"`
	Stream   string   `name:"nats-stream" help:"Name of the stream; made when missing." default:"fleetbeat"`
	Replicas int      `name:"nats-replicas" help:"Servers that hold each part of the log." enum:"1,3" default:"1"`
	Creds    string   `name:"nats-creds" help:"Credentials file of a NATS user." type:"existingfile"`
	CA       string   `name:"nats-ca" help:"Certificate authorities of the servers, as PEM." type:"existingfile"`
	Cert     string   `name:"nats-cert" help:"Certificate of this node, as PEM; with --nats-key." type:"existingfile"`
	Key      string   `name:"nats-key" help:"Key of that certificate." type:"existingfile"`
	Monitor  []string `name:"nats-monitor" help:"Monitoring addresses of the servers, http://host:8222,..., by which it is checked that they sync each write." placeholder:"URL"`
}

// shared is the log that the flags name, nil when they name none.
func (f *natsFlags) shared() (*eventlog.Shared, error) {
	urls := f.URL
	if f.File != "" {
		text, err := os.ReadFile(f.File)
		if err != nil {
			return nil, fmt.Errorf("reading --nats-file: %w", err)
		}
		urls = strings.FieldsFunc(string(text), func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	}
	if err := f.check(urls); err != nil || len(urls) == 0 {
		return nil, err
	}
	return &eventlog.Shared{
		URLs: urls, Stream: f.Stream, Replicas: f.Replicas, CredentialsFile: f.Creds, CAFile: f.CA, CertFile: f.Cert, KeyFile: f.Key, Monitors: f.Monitor,
	}, nil
}

// streamName says what a stream may be called.
func streamName(name string) bool {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	return name != "" && len(name) <= 64 && strings.Trim(name, allowed) == ""
}

func (f *natsFlags) check(urls []string) error {
	for _, given := range urls {
		if u, err := url.Parse(given); err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			return fmt.Errorf("--nats: %q is not of the form nats://host:4222", redacted(given))
		}
	}
	for _, monitor := range f.Monitor {
		if u, err := url.Parse(monitor); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("--nats-monitor: %q is not of the form http://host:8222", monitor)
		}
	}
	if !streamName(f.Stream) {
		return fmt.Errorf("--nats-stream: %q is not made of 1 to 64 letters, digits, _ and -", f.Stream)
	}
	if (f.Cert == "") != (f.Key == "") {
		return errors.New("--nats-cert and --nats-key go together: " + f.Cert + f.Key)
	}
	return nil
}

// redacted is a URL without the password in it.
func redacted(given string) string {
	if u, err := url.Parse(given); err == nil {
		return u.Redacted()
	}
	return "what was given"
}
