package api

import "testing"

// The limit on reading a body ends the context of a request that has been read long since.
func TestHumaSetsNoLimitOnReadingABody(t *testing.T) {
	for address, item := range newHarness(t).server.huma.OpenAPI().Paths {
		for _, op := range operationsOf(item) {
			if op.BodyReadTimeout > 0 {
				t.Errorf("%s %s has a limit of %v", op.Method, address, op.BodyReadTimeout)
			}
		}
	}
}
