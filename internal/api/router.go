package api

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// router is a ServeMux that keeps what was registered, so that a test can hold it against the OpenAPI document.
type router struct {
	*http.ServeMux
	patterns []string
	metrics  *metrics
	logger   *slog.Logger
}

// Handle registers a handler that looks after its own headers and figures, such as the doors of heartbeats.
func (r *router) Handle(pattern string, h http.Handler) {
	r.patterns = append(r.patterns, pattern)
	r.ServeMux.Handle(pattern, h)
}

// HandleFunc registers a handler of this package: its answers get the headers that all of them have, and are counted.
func (r *router) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	r.Handle(pattern, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		setHeaders(w.Header())
		answer := &answer{ResponseWriter: w}
		start := time.Now()
		defer func() {
			if cause := recover(); cause != nil {
				r.recovered(answer, req, cause)
			}
			r.metrics.request(pattern, answer.status, time.Since(start))
		}()
		h(answer, req)
	}))
}

// recovered makes a panic of ours cost one answer, not the process: 500 when nothing was sent yet, else a cut stream.
func (r *router) recovered(w *answer, req *http.Request, cause any) {
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause)
	}
	r.logger.Error("answering panicked", "method", req.Method, "path", req.URL.Path, "cause", cause, "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	writeProblem(w, http.StatusInternalServerError, internalDetail)
}

// setHeaders are the headers of every answer of this package. Pages replace the policy by one of their own.
func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// answer remembers the status of an answer; it is 0 until the first byte.
type answer struct {
	http.ResponseWriter
	status int
}

func (w *answer) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *answer) Write(data []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(data)
}

// Unwrap gives http.ResponseController its way to the connection.
func (w *answer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// guard stands before the router: no unsafe call by a browser from elsewhere, except for pages of trusted origins, and no
// unclean path.
func guard(next http.Handler, trusted []string) http.Handler {
	origin := http.NewCrossOriginProtection()
	for _, one := range trusted {
		if err := origin.AddTrustedOrigin(one); err != nil {
			panic(err) // they were checked
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := origin.Check(r); err != nil {
			writeProblem(w, http.StatusForbidden, "a page of another origin may not do this")
			return
		}
		if path := r.URL.EscapedPath(); strings.Contains(path, "//") || strings.Contains(path+"/", "/./") || strings.Contains(path+"/", "/../") {
			notFound(w, r) // ServeMux would redirect to the clean path
			return
		}
		next.ServeHTTP(w, r)
	})
}

// unknown answers what no pattern matches: 405 when the path is known with another method, else 404.
func (r *router) unknown(w http.ResponseWriter, req *http.Request) {
	setHeaders(w.Header())
	var allowed []string
	for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodPatch, http.MethodPost, http.MethodPut} {
		other := *req
		other.Method = method
		if _, pattern := r.ServeMux.Handler(&other); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		notFound(w, req)
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	writeProblem(w, http.StatusMethodNotAllowed, "this path answers "+strings.Join(allowed, ", ")+" only")
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	writeProblem(w, http.StatusNotFound, "there is nothing at this path; see /docs for what there is")
}
