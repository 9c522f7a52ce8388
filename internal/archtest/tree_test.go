package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// module is the module whose packages the rules are about. Rules name a package by its folder, "internal/event".
const module = "github.com/fleetbeat/fleetbeat"

// tree is the Go code of a module as its files say it, parsed but not compiled: all files are in it, whatever their
// build constraints, and a tree for a test is a few lines of text.
type tree struct {
	files    *token.FileSet
	packages []*pkg
}

// pkg is the Go files of one folder.
type pkg struct {
	dir     string // from the root of the module: "internal/event"
	sources []source
}

// source is one Go file.
type source struct {
	*ast.File
	path      string
	lines     int
	test      bool
	generated bool
}

// load reads every Go file below the root, but for folders the go command does not look into, nested modules among them.
func load(root fs.FS) (*tree, error) {
	t := &tree{files: token.NewFileSet()}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && isForeign(root, name):
			return fs.SkipDir
		case entry.IsDir():
			t.packages = append(t.packages, &pkg{dir: name})
			return nil
		case path.Ext(name) == ".go":
			return t.parse(root, name)
		default:
			return nil
		}
	})
	return t, err
}

func isForeign(root fs.FS, dir string) bool {
	base := path.Base(dir)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "node_modules" {
		return true
	}
	_, err := fs.Stat(root, path.Join(dir, "go.mod"))
	return err == nil
}

func (t *tree) parse(root fs.FS, name string) error {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return err
	}
	parsed, err := parser.ParseFile(t.files, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("parsing: %w", err)
	}
	p := t.at(path.Dir(name))
	p.sources = append(p.sources, source{
		File:      parsed,
		path:      name,
		lines:     strings.Count(string(text), "\n"),
		test:      strings.HasSuffix(name, "_test.go"),
		generated: ast.IsGenerated(parsed),
	})
	return nil
}

// at is the package in a folder, or nil when the tree has none there.
func (t *tree) at(dir string) *pkg {
	for _, p := range t.packages {
		if p.dir == dir {
			return p
		}
	}
	return nil
}

// line says where in the tree a node stands, as "path:line".
func (t *tree) line(node ast.Node) string {
	at := t.files.Position(node.Pos())
	return fmt.Sprintf("%s:%d", at.Filename, at.Line)
}

// written yields what people wrote for the product: no test and nothing generated.
func (p *pkg) written(yield func(source) bool) {
	for _, s := range p.sources {
		if !s.test && !s.generated && !yield(s) {
			return
		}
	}
}

// in says whether the package is one of these folders or below one of them.
func (p *pkg) in(dirs ...string) bool {
	return within(p.dir, dirs...)
}

// within says whether a path is one of these or below one of them.
func within(name string, dirs ...string) bool {
	for _, dir := range dirs {
		if name == dir || strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return false
}

// imports are the import paths of the file, a package of the module by its folder.
func (s source) imports() []string {
	paths := make([]string, 0, len(s.Imports))
	for _, spec := range s.Imports {
		paths = append(paths, importPath(spec))
	}
	return paths
}

func importPath(spec *ast.ImportSpec) string {
	full, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		panic(err) // the parser took it for a string
	}
	return strings.TrimPrefix(full, module+"/")
}

// isStandard says whether an import path is the standard library's: its first element has no dot, and it is no folder of ours.
func isStandard(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return !strings.Contains(first, ".") && !within(name, "internal", "client", "cmd", "web", "tools")
}
