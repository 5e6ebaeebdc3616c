package speech

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source finds in the program's own files the formats of sentences that people see.
type source struct {
	t      *testing.T
	consts map[string]string            // of the package that is being read
	known  map[string]map[string]string // consts by folder
	found  map[string]string            // format → where it stands
}

// rooms are the folders whose errors and sentences reach the API.
var rooms = []string{".", "internal/access", "internal/app", "internal/consent", "internal/insight", "internal/inbound", "internal/kit", "internal/outbound", "internal/retention", "internal/serve/api", "internal/store"}

// silent are files whose words go to operators, providers and tests, not to the API.
var silent = []string{
	"internal/app/backup.go", "internal/app/masterkey.go", "internal/app/operator.go", "internal/app/options.go", "internal/app/quarantine.go", "internal/app/startup.go",
	"internal/app/stopall.go", "internal/store/backup.go", "internal/store/quarantine.go", "internal/store/sqldb/snapshot.go", "internal/store/sqldb/lockdir_unix.go", "internal/store/storetest/", "internal/store/store.go", "internal/store/listhash.go",
	"internal/outbound/dispatch/core/config.go", "internal/kit/backupfile/", "internal/kit/sealed/", "internal/inbound/inboundtest/", "internal/serve/api/speech/", "listhash.go", "internal/outbound/dispatch/",
}

// wordy are files that hand words on as text: each text of three words or more in them is a sentence.
var wordy = []string{
	"internal/kit/csvrow/csvrow.go", "internal/kit/csvrow/open.go", "internal/kit/csvrow/scan.go", "internal/outbound/dispatch/core/snapshot.go",
	"internal/outbound/dispatch/core/stop.go", "internal/outbound/guard/look.go", "internal/outbound/guard/track.go", "internal/outbound/recipient/check.go",
	"internal/outbound/recipient/fix.go", "internal/outbound/recipient/csv.go", "internal/outbound/recipient/typed.go", "internal/outbound/recipient/load.go",
	"internal/outbound/schedule/plan.go",
}

// plain are files whose errors are shown as they are, but for those that wrap another one.
var plain = []string{"internal/kit/phone/phone.go", "internal/kit/egress/check.go", "internal/kit/tz/tz.go", "internal/serve/api/schema.go"}

// speakers are functions that take a sentence for people, in any of their arguments.
var speakers = []string{"Say", "Plural", "ErrInvalid", "ErrConflict", "errorOf", "campaignConflict", "errNobody", "errWindow", "invalid", "badRange", "say", "problem", "bad", "tooLong", "fail"}

// fields of composite literals that hold a sentence.
var fields = []string{"Message", "Detail", "Reason", "Means", "Words", "Fix", "Why"}

func sentencesOfSource(t *testing.T) map[string]string {
	t.Helper()
	s := &source{t: t, known: map[string]map[string]string{}, found: map[string]string{}}
	const root = "../../../.."
	for _, room := range rooms {
		err := filepath.WalkDir(filepath.Join(root, room), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name, _ := filepath.Rel(root, path)
			if d.IsDir() {
				if room == "." && path != root {
					return fs.SkipDir
				}
				return nil
			}
			if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || !slices.Contains(wordy, name) && slices.ContainsFunc(silent, func(p string) bool { return strings.HasPrefix(name, p) }) {
				return nil
			}
			dir := filepath.Dir(path)
			if s.known[dir] == nil {
				s.known[dir] = constsOf(t, dir)
			}
			s.consts = s.known[dir]
			s.read(path, name)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s.found
}

// constsOf gives the constant texts of a package.
func constsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok {
				for i, name := range spec.Names {
					if i < len(spec.Values) {
						if lit, ok := spec.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
							out[name.Name], _ = strconv.Unquote(lit.Value)
						}
					}
				}
			}
			return true
		})
	}
	return out
}

func (s *source) read(path, name string) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	all := slices.Contains(wordy, name)
	ast.Inspect(file, func(n ast.Node) bool {
		where := func() string { return name + ":" + strconv.Itoa(set.Position(n.Pos()).Line) }
		switch x := n.(type) {
		case *ast.CallExpr:
			called := nameOf(x.Fun)
			if called == "ErrNotFound" && len(x.Args) == 1 {
				if noun, constant := s.fold(x.Args[0], false); constant {
					s.add("there is no such "+noun+" in this account", where(), true)
				}
			}
			if slices.Contains(speakers, called) {
				for i, arg := range x.Args {
					format, constant := s.fold(arg, called == "Say" || called == "Plural" || called == "say" && i > 0)
					if (called == "Say" && i == 0 || called == "Plural" && (i == 1 || i == 2)) && !constant {
						s.t.Errorf("%s: the format of a sentence is a constant", where())
					}
					if (called == "Say" && i > 0) || called == "Plural" && i > 2 || called == "Plural" && i == 0 {
						continue // what goes in
					}
					s.add(format, where(), called == "Say" || called == "Plural")
				}
			}
			if strings.HasSuffix(called, "Context") || strings.Contains(s.first(x), "%w") && called == "Errorf" {
				return false // for operators
			}
			if all && called == "Sprintf" || (all || slices.Contains(plain, name)) && (called == "Errorf" || called == "New" || called == "nationalNumberError") {
				s.add(s.first(x), where(), false)
				return false
			}
		case *ast.AssignStmt:
			for i, left := range x.Lhs {
				if i < len(x.Rhs) && slices.ContainsFunc(fields, func(f string) bool { return strings.EqualFold(f, nameOf(left)) }) {
					format, _ := s.fold(x.Rhs[i], false)
					s.add(format, where(), false)
				}
			}
		case *ast.KeyValueExpr:
			if key, ok := x.Key.(*ast.Ident); ok && slices.Contains(fields, key.Name) {
				format, _ := s.fold(x.Value, false)
				s.add(format, where(), false)
			}
		case *ast.BinaryExpr:
			if all && x.Op == token.ADD {
				format, _ := s.fold(x, false)
				s.add(format, where(), false)
				return false
			}
		case *ast.BasicLit:
			if all && x.Kind == token.STRING {
				format, _ := s.fold(x, false)
				s.add(format, where(), false)
			}
		case *ast.ImportSpec, *ast.Field:
			return false
		}
		return true
	})
}

func (s *source) first(call *ast.CallExpr) string {
	if len(call.Args) == 0 {
		return ""
	}
	format, _ := s.fold(call.Args[0], true)
	return format
}

// fold makes a format of an expression: what is not constant becomes %s.
func (s *source) fold(e ast.Expr, isFormat bool) (format string, constant bool) {
	switch x := e.(type) {
	case *ast.BasicLit:
		if x.Kind == token.STRING {
			text, _ := strconv.Unquote(x.Value)
			if !isFormat {
				text = strings.ReplaceAll(text, "%", "%%")
			}
			return text, true
		}
	case *ast.Ident:
		if text, known := s.consts[x.Name]; known {
			return text, true
		}
	case *ast.ParenExpr:
		return s.fold(x.X, isFormat)
	case *ast.BinaryExpr:
		a, left := s.fold(x.X, isFormat)
		b, right := s.fold(x.Y, isFormat)
		return a + b, left && right
	case *ast.CallExpr:
		if nameOf(x.Fun) == "Sprintf" {
			return s.first(x), false
		}
	}
	return "%s", false
}

func (s *source) add(format, where string, always bool) {
	if strings.Count(strings.TrimSpace(format), " ") < 2 && !always || !strings.ContainsFunc(format, func(r rune) bool { return r >= 'a' && r <= 'z' }) {
		return
	}
	if _, twice := s.found[format]; !twice {
		s.found[format] = where
	}
}

func nameOf(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return x.Sel.Name
	case *ast.IndexExpr:
		return nameOf(x.X)
	}
	return ""
}
