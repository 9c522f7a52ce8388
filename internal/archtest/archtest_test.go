// Package archtest is one test: the rules of the house, as DESIGN.md has them, hold for every package of the module.
//
// The rules are the table in rules_test.go. Each comes with the smallest tree of code that breaks it, and is tested on it
// too: a rule that can no longer fail protects nothing.
package archtest

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTheHouseKeepsItsRules(t *testing.T) {
	house, err := load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if house.at("internal/event") == nil {
		t.Fatal("the tree has no internal/event: the test looks in the wrong place")
	}
	for _, r := range rules {
		for _, found := range r.find(house) {
			t.Errorf("%s\n\t(%s)", found, r.says)
		}
	}
}

func TestEachRuleCanBeBroken(t *testing.T) {
	for _, r := range rules {
		t.Run(r.says, func(t *testing.T) {
			if found := r.find(fixture(t, r.breaks)); len(found) == 0 {
				t.Error("the rule does not see its own counterexample")
			}
		})
	}
}

func TestChangesOfPackageVariablesAreSeen(t *testing.T) {
	tests := map[string]struct {
		code string
		want int // changes found
	}{
		"assignment":                {`var n int; func f() { n = 1 }`, 1},
		"entry of a map":            {`var m = map[string]int{}; func f() { m["a"] = 1; delete(m, "a"); clear(m) }`, 3},
		"element of a slice":        {`var s = []int{1}; func f() { s[0]++; copy(s[1:], s) }`, 2},
		"field of a struct":         {`var v struct{ n int }; func f() { (v).n += 1 }`, 1},
		"behind a pointer":          {`var p = new(int); func f() { *p = 1 }`, 1},
		"address":                   {`var n int; func f() *int { return &n }`, 1},
		"in a loop's head":          {`var n int; func f() { for n = range 3 {} }`, 1},
		"in a function as argument": {`import "x/y"; var n int; func f() { y.Do(func() { n = 1 }) }`, 1},
		"another package's":         {`import "net/http"; func f() { http.DefaultClient = nil }`, 1},
		"lock":                      {`import "sync"; var mu sync.Mutex`, 1},
		"pool":                      {`import "sync"; var pool = &sync.Pool{}`, 1},
		"atomic":                    {`import "sync/atomic"; var n atomic.Int64`, 1},
		"channel":                   {`var done = make(chan struct{})`, 1},

		"sentinel":                   {`import "errors"; var ErrGone = errors.New("gone"); func f() error { return ErrGone }`, 0},
		"table":                      {`var names = [...]string{"a", "b"}; func f(i int) string { return names[i] }`, 0},
		"lazy table":                 {`import "sync"; var table = sync.OnceValue(func() []int { n := 1; n++; return []int{n} })`, 0},
		"local of the same name":     {`var n int; func f() int { n := 0; n++; return n }`, 0},
		"parameter of the same name": {`var n int; func f(n int) int { n++; return n }`, 0},
		"field of the same name":     {`var n int; type t struct{ n int }; func (x *t) f() { x.n++ }`, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			found := noMutableState(fixture(t, map[string]string{"internal/api/api.go": "package api; " + test.code}))
			if len(found) != test.want {
				t.Errorf("%s: %d changes found, want %d: %q", test.code, len(found), test.want, found)
			}
		})
	}
}

func TestTheGoCommandsFoldersAreTheTree(t *testing.T) {
	bad := "package util; func init() {}"
	tree := fixture(t, map[string]string{
		"testdata/a.go":           bad,
		"web/node_modules/x/a.go": bad,
		".cache/a.go":             bad,
		"tools/lint/a.go":         bad,
		"tools/lint/go.mod":       "module lint",
	})
	for _, r := range rules {
		if found := r.find(tree); len(found) > 0 {
			t.Errorf("found in a folder that is not the module's: %q", found)
		}
	}
}

// fixture is the tree of a few files, by path.
func fixture(t *testing.T, sources map[string]string) *tree {
	t.Helper()
	files := fstest.MapFS{}
	for name, text := range sources {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := load(files)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// lines are n lines of nothing.
func lines(n int) string {
	return strings.Repeat("\n", n+1)
}
