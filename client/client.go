// Package client is the way into Fleetbeat from Go: the JSON shapes of its API, and a client over net/http.
//
// The server, the command line and the simulator use these same shapes. Times are RFC 3339 UTC with milliseconds.
// Whatever the server refuses comes back as a *Problem. A heartbeat that the server acknowledged is durable there.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config says where the server is.
type Config struct {
	BaseURL    string       // of the server; default http://127.0.0.1:8080
	HTTPClient *http.Client // default: one that keeps up to 256 connections open and bounds everything but bodies
}

// Client calls one Fleetbeat server. It is safe for concurrent use.
type Client struct {
	base *url.URL
	http *http.Client
}

// maxAnswer bounds what the client reads of an answer that it holds in memory whole, in bytes.
const maxAnswer = 256 << 20

// New returns a client for the server that cfg names. It does not call the server yet.
func New(cfg Config) (*Client, error) {
	if cfg.BaseURL == "" {
		cfg.BaseURL = "http://127.0.0.1:8080"
	}
	base, err := url.Parse(strings.TrimRight(cfg.BaseURL, "/"))
	if err != nil {
		return nil, fmt.Errorf("reading the server's address: %w", err)
	}
	if base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("the server's address %q is not of the form http://host:port", cfg.BaseURL)
	}
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = &http.Client{Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			MaxIdleConns:          256,
			MaxIdleConnsPerHost:   256,
			IdleConnTimeout:       90 * time.Second,
			ResponseHeaderTimeout: 60 * time.Second,
			TLSHandshakeTimeout:   10 * time.Second,
			ForceAttemptHTTP2:     true,
		}}
	}
	return &Client{base: base, http: cfg.HTTPClient}, nil
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Ready is nil when the server is ready: its snapshots are loaded and its log is read.
func (c *Client) Ready(ctx context.Context) error {
	return c.call(ctx, http.MethodGet, "/readyz", nil, nil, nil)
}

// call makes one JSON call: in, unless nil, is the body; the answer is read into out, unless that is nil.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	var body io.Reader
	header := http.Header{}
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("writing the request: %w", err)
		}
		body = bytes.NewReader(data)
		header.Set("Content-Type", "application/json")
	}
	answer, err := c.send(ctx, method, path, query, header, body)
	if err != nil {
		return err
	}
	return decode(answer, out)
}

// decode reads an answer's JSON into out, unless that is nil, and leaves the connection fit to be used again.
func decode(answer *http.Response, out any) error {
	defer answer.Body.Close()
	body := io.LimitReader(answer.Body, maxAnswer)
	if out != nil {
		if err := json.NewDecoder(body).Decode(out); err != nil {
			return fmt.Errorf("reading the answer to %s: %w", answer.Request.URL.Path, err)
		}
	}
	_, err := io.Copy(io.Discard, body)
	return err
}

// send makes one call and gives back its answer when the status is 200 to 299; otherwise the error is a *Problem.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, header http.Header, body io.Reader) (*http.Response, error) {
	address := c.base.String() + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	request.Header = header
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, err // it names method and address already
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		defer answer.Body.Close()
		return nil, readProblem(answer)
	}
	return answer, nil
}

// readProblem is what an answer that refuses says, or, when it says nothing we understand, its status.
func readProblem(answer *http.Response) *Problem {
	problem := &Problem{}
	data, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err == nil && strings.HasPrefix(answer.Header.Get("Content-Type"), "application/problem+json") {
		err = json.Unmarshal(data, problem)
	}
	if err != nil || problem.Title == "" {
		problem.Title = http.StatusText(answer.StatusCode)
	}
	problem.Status = answer.StatusCode
	problem.RetryAfter, _ = time.ParseDuration(answer.Header.Get("Retry-After") + "s")
	return problem
}

// IsNotFound reports whether err says that what was asked for does not exist.
func IsNotFound(err error) bool {
	var problem *Problem
	return errors.As(err, &problem) && problem.Status == http.StatusNotFound
}
