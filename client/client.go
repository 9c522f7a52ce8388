// Package client is the way into Fleetbeat from Go: the JSON shapes of its API, and a client over net/http.
//
// The server, the command line and the simulator use these same shapes. Times are RFC 3339 UTC with milliseconds.
// Whatever the server refuses comes back as a *Problem. A heartbeat that the server acknowledged is durable there.
package client
