package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
)

// importsOnly: besides the standard library and its own folders, the product's code in dir imports nothing but allowed.
func importsOnly(dir string, allowed ...string) func(*tree) []string {
	allowed = append(allowed, dir)
	return func(t *tree) (found []string) {
		for _, p := range t.packages {
			if !p.in(dir) {
				continue
			}
			for s := range p.written {
				for _, imported := range s.imports() {
					if !isStandard(imported) && !within(imported, allowed...) {
						found = append(found, s.path+": imports "+imported)
					}
				}
			}
		}
		return found
	}
}

// importedOnlyBy: only the packages and files in homes import these, in the product or in tests.
func importedOnlyBy(homes []string, these ...string) func(*tree) []string {
	return func(t *tree) (found []string) {
		for _, p := range t.packages {
			if p.in(homes...) {
				continue
			}
			for _, s := range p.sources {
				for _, imported := range s.imports() {
					if within(imported, these...) && !slices.Contains(homes, s.path) {
						found = append(found, s.path+": imports "+imported)
					}
				}
			}
		}
		return found
	}
}

// neverReaches: dir, its tests included, imports none of the forbidden packages, and imports no package that does.
func neverReaches(dir string, forbidden ...string) func(*tree) []string {
	return func(t *tree) (found []string) {
		for _, p := range t.packages {
			if !p.in(dir) {
				continue
			}
			seen := map[string]bool{}
			for _, s := range p.sources {
				for _, imported := range s.imports() {
					if way := t.wayTo(forbidden, imported, seen); way != nil {
						found = append(found, s.path+": imports "+strings.Join(way, ", which imports "))
					}
				}
			}
		}
		return found
	}
}

// wayTo is a chain of imports from a package to one of the targets, or nil. Packages in seen lead to none.
func (t *tree) wayTo(targets []string, from string, seen map[string]bool) []string {
	if within(from, targets...) {
		return []string{from}
	}
	p := t.at(from)
	if p == nil || seen[from] {
		return nil
	}
	seen[from] = true
	for _, s := range p.sources {
		if s.test {
			continue
		}
		for _, imported := range s.imports() {
			if way := t.wayTo(targets, imported, seen); way != nil {
				return append([]string{from}, way...)
			}
		}
	}
	return nil
}

// usesNone: no product code in dirs uses these names, each as "package.Name" of the standard library.
func usesNone(dirs []string, names ...string) func(*tree) []string {
	return func(t *tree) (found []string) {
		for _, p := range t.packages {
			if p.in(dirs...) {
				found = append(found, t.uses(p, names)...)
			}
		}
		return found
	}
}

// usesOnlyIn: no product code outside dirs uses these names.
func usesOnlyIn(dirs []string, names ...string) func(*tree) []string {
	return func(t *tree) (found []string) {
		for _, p := range t.packages {
			if !p.in(dirs...) {
				found = append(found, t.uses(p, names)...)
			}
		}
		return found
	}
}

func (t *tree) uses(p *pkg, names []string) (found []string) {
	for s := range p.written {
		ast.Inspect(s.File, func(node ast.Node) bool {
			if name := qualifiedName(node); slices.Contains(names, name) {
				found = append(found, t.line(node)+": uses "+name)
			}
			return true
		})
	}
	return found
}

// qualifiedName is "package.Name" for such an expression, else "".
func qualifiedName(node ast.Node) string {
	selector, ok := node.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	of, ok := selector.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return of.Name + "." + selector.Sel.Name
}

// singleThreaded: the product's code in dir has no go statement, and imports nothing that only matters to several goroutines.
func singleThreaded(dir string) func(*tree) []string {
	return func(t *tree) (found []string) {
		for _, p := range t.packages {
			if !p.in(dir) {
				continue
			}
			for s := range p.written {
				ast.Inspect(s.File, func(node ast.Node) bool {
					switch node := node.(type) {
					case *ast.GoStmt:
						found = append(found, t.line(node)+": starts a goroutine")
					case *ast.ImportSpec:
						if within(importPath(node), "sync") {
							found = append(found, t.line(node)+": imports "+importPath(node))
						}
					}
					return true
				})
			}
		}
		return found
	}
}

func meaningfulNames(t *tree) (found []string) {
	meaningless := []string{
		"base", "common", "core", "helper", "helpers", "lib", "misc", "model", "models", "shared", "types", "util", "utils",
	}
	for _, p := range t.packages {
		if len(p.sources) == 0 {
			continue
		}
		for _, name := range []string{path.Base(p.dir), p.sources[0].Name.Name} {
			if slices.Contains(meaningless, name) {
				found = append(found, fmt.Sprintf("%s: %q could hold anything", p.dir, name))
				break
			}
		}
	}
	return found
}

func packageComments(t *tree) (found []string) {
	for _, p := range t.packages {
		if len(p.sources) > 0 && !slices.ContainsFunc(p.sources, explainsPackage) {
			found = append(found, p.dir+": no package comment")
		}
	}
	return found
}

func explainsPackage(s source) bool {
	if s.Name.Name == "main" {
		return s.Doc.Text() != ""
	}
	return strings.HasPrefix(s.Doc.Text(), "Package "+s.Name.Name+" ")
}

func noInit(t *tree) (found []string) {
	for _, p := range t.packages {
		for s := range p.written {
			for _, decl := range s.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
					found = append(found, t.line(f)+": func init")
				}
			}
		}
	}
	return found
}

func shortFiles(limit int) func(*tree) []string {
	return func(t *tree) (found []string) {
		for _, p := range t.packages {
			for _, s := range p.sources {
				if s.lines > limit && !s.generated {
					found = append(found, fmt.Sprintf("%s: %d lines", s.path, s.lines))
				}
			}
		}
		return found
	}
}
