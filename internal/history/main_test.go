package history

import (
	"flag"
	"os"
	"testing"
)

// TestMain checks properties less often than rapid does when it is not told: each check writes and reads whole files.
func TestMain(m *testing.M) {
	flag.Parse()
	told := false
	flag.Visit(func(f *flag.Flag) { told = told || f.Name == "rapid.checks" })
	if !told {
		if err := flag.Set("rapid.checks", checks); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
