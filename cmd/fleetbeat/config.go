package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// configFile is the flag --config: its file gives every flag that neither the command line nor the environment gives.
type configFile string

// BeforeResolve reads the file and lets kong ask it for values.
func (c configFile) BeforeResolve(k *kong.Kong, ctx *kong.Context, trace *kong.Path) error {
	path := string(ctx.FlagValue(trace.Flag).(configFile))
	settings, err := readSettings(path)
	if err != nil {
		return err
	}
	if err := settings.Validate(k.Model); err != nil {
		return err
	}
	ctx.AddResolver(settings)
	return nil
}

// settings are a configuration file's keys, which are names of flags, and their values.
type settings struct {
	path   string
	values map[string]yaml.Node
}

func readSettings(path string) (settings, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return settings{}, fmt.Errorf("reading the configuration: %w", err)
	}
	s := settings{path: path}
	if err := yaml.Unmarshal(text, &s.values); err != nil {
		return settings{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// Validate refuses a key that no command knows, so that a slip of the pen is not silently ignored.
func (s settings) Validate(app *kong.Application) error {
	known := map[string]bool{}
	collectFlags(app.Node, known)
	keys := make([]string, 0, len(s.values))
	for key := range s.values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if !known[key] {
			return fmt.Errorf("%s:%d: unknown setting %q", s.path, s.values[key].Line, key)
		}
	}
	return nil
}

func collectFlags(node *kong.Node, known map[string]bool) {
	for _, flag := range node.Flags {
		if flag.Name != "help" && flag.Name != "config" {
			known[flag.Name] = true
		}
	}
	for _, child := range node.Children {
		collectFlags(child, known)
	}
}

// Resolve gives kong the value of a flag that the command line does not give, or nil when the file has none. Kong would
// let it win over the environment too.
func (s settings) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	value, ok := s.values[flag.Name]
	if !ok || slices.ContainsFunc(flag.Envs, inEnvironment) {
		return nil, nil
	}
	switch value.Kind {
	case yaml.ScalarNode:
		return value.Value, nil
	case yaml.SequenceNode:
		var items []string
		if err := value.Decode(&items); err != nil {
			return nil, fmt.Errorf("%s:%d: %s: %w", s.path, value.Line, flag.Name, err)
		}
		return strings.Join(items, ","), nil
	default:
		return nil, fmt.Errorf("%s:%d: %s wants a value or a list of values", s.path, value.Line, flag.Name)
	}
}

func inEnvironment(name string) bool {
	_, ok := os.LookupEnv(name)
	return ok
}
