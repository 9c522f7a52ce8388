package archtest

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"slices"
)

// noMutableState finds package-level variables that are assigned, changed in place or taken by their address, that
// are of a type made for changing (a lock, a pool, a channel, an atomic), and assignments to another package's variables.
// Sentinel errors, tables, compiled expressions and embedded files pass: they have their value from the start.
// What it cannot see is a change through a method of the variable's own.
func noMutableState(t *tree) (found []string) {
	for _, p := range t.packages {
		var files []*ast.File
		for s := range p.written {
			files = append(files, s.File)
		}
		names := namesOf(p, t.files, files)
		for _, file := range files {
			for _, spec := range variables(file) {
				if isMadeForChange(spec) {
					found = append(found, t.line(spec)+": "+spec.Names[0].Name+" is of a kind that changes")
				}
			}
			ast.Inspect(file, func(node ast.Node) bool {
				for _, target := range changed(node) {
					if name := root(target); name != nil && isPackageLevel(names.Uses[name]) {
						found = append(found, t.line(name)+": changes "+name.Name)
					}
				}
				return true
			})
		}
	}
	return found
}

// namesOf resolves the names of a package's files. Packages they import are left empty, so that nothing needs compiling:
// the types of many expressions stay unknown, but a name still leads to its own declaration.
func namesOf(p *pkg, positions *token.FileSet, files []*ast.File) types.Info {
	names := types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: emptyPackages{}, Error: func(error) {}}
	_, _ = config.Check(p.dir, positions, files, &names) // errors are certain, and the names are what is wanted
	return names
}

// emptyPackages imports any package as one that declares nothing.
type emptyPackages struct{}

func (emptyPackages) Import(name string) (*types.Package, error) {
	empty := types.NewPackage(name, path.Base(name))
	empty.MarkComplete()
	return empty, nil
}

// variables are the file's declarations of package-level variables.
func variables(file *ast.File) (specs []*ast.ValueSpec) {
	for _, decl := range file.Decls {
		if group, ok := decl.(*ast.GenDecl); ok && group.Tok == token.VAR {
			for _, spec := range group.Specs {
				specs = append(specs, spec.(*ast.ValueSpec))
			}
		}
	}
	return specs
}

// isMadeForChange says whether a declaration names a type that only makes sense when its value changes.
func isMadeForChange(spec *ast.ValueSpec) bool {
	changing := []string{
		"sync.Cond", "sync.Map", "sync.Mutex", "sync.Once", "sync.Pool", "sync.RWMutex", "sync.WaitGroup",
		"atomic.Bool", "atomic.Int32", "atomic.Int64", "atomic.Pointer", "atomic.Uint32", "atomic.Uint64", "atomic.Uintptr", "atomic.Value",
	}
	found := false
	ast.Inspect(spec, func(node ast.Node) bool {
		switch node.(type) {
		case *ast.FuncLit, *ast.FuncType:
			return false // a function may make and take what it likes
		case *ast.ChanType:
			found = true
		}
		found = found || slices.Contains(changing, qualifiedName(node))
		return !found
	})
	return found
}

// changed are the expressions whose value a statement or expression changes, or lets others change.
func changed(node ast.Node) []ast.Expr {
	switch node := node.(type) {
	case *ast.AssignStmt:
		if node.Tok != token.DEFINE {
			return node.Lhs
		}
	case *ast.RangeStmt:
		if node.Tok == token.ASSIGN {
			return []ast.Expr{node.Key, node.Value}
		}
	case *ast.IncDecStmt:
		return []ast.Expr{node.X}
	case *ast.UnaryExpr:
		if node.Op == token.AND {
			return []ast.Expr{node.X}
		}
	case *ast.CallExpr:
		builtin, ok := node.Fun.(*ast.Ident)
		if ok && len(node.Args) > 0 && slices.Contains([]string{"clear", "copy", "delete"}, builtin.Name) {
			return node.Args[:1]
		}
	}
	return nil
}

// root is the variable that an expression reaches into: table for table[i].name. It is nil where there is none.
func root(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.IndexExpr:
		return root(e.X)
	case *ast.ParenExpr:
		return root(e.X)
	case *ast.SelectorExpr:
		return root(e.X)
	case *ast.SliceExpr:
		return root(e.X)
	case *ast.StarExpr:
		return root(e.X)
	default:
		return nil
	}
}

// isPackageLevel says whether a name is a variable of its package, or stands for another package.
func isPackageLevel(object types.Object) bool {
	switch object := object.(type) {
	case *types.PkgName:
		return true
	case *types.Var:
		return object.Parent() == object.Pkg().Scope()
	default:
		return false
	}
}
