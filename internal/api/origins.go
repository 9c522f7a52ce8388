package api

import (
	"fmt"
	"net/http"
	"net/url"
)

// methods are those that a page of a trusted origin may ask for.
const methods = "GET, HEAD, POST, PUT, PATCH, DELETE"

// CheckOrigin says what is wrong with an origin from which a page may use the API: it is a scheme and a host, with a port
// when that is not the scheme's own, as browsers write it, for instance "https://fleet.example.com".
func CheckOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" || origin != u.Scheme+"://"+u.Host {
		return fmt.Errorf("the origin %q is not of the form https://host, without a path and a slash at its end", origin)
	}
	return nil
}

// share lets pages of other origins use the API: browsers ask before they let such a page do anything but read, and hand
// it an answer only when that names the page's origin. No credentials are involved, so there are none to be misused.
func share(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	trusted := make(map[string]bool, len(origins))
	for _, origin := range origins {
		trusted[origin] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if !trusted[origin] {
			next.ServeHTTP(w, r)
			return
		}
		header.Set("Access-Control-Allow-Origin", origin)
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			header.Set("Access-Control-Allow-Methods", methods)
			header.Set("Access-Control-Allow-Headers", "Content-Type")
			header.Set("Access-Control-Max-Age", "600") // seconds
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}
