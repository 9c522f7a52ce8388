//go:build linux

package main_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What a document shows is compared with what a server answers: not its values, which differ from day to day.

func compareStreams(t *testing.T, got, want string) {
	t.Helper()
	told, shown := eventsOf(got), eventsOf(want)
	if len(shown) < 5 {
		t.Errorf("the document shows %d kinds of events", len(shown))
	}
	for name, data := range shown {
		if told[name] == "" {
			t.Errorf("there was no event %s", name)
			continue
		}
		compareJSON(t, "event "+name, told[name], data)
	}
}

// eventsOf is the data of the newest event of each name.
func eventsOf(stream string) map[string]string {
	events := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^event: (.*)\ndata: (.*)$`).FindAllStringSubmatch(stream, -1) {
		events[m[1]] = m[2]
	}
	return events
}

// compareAnswers compares what a script wrote with the answer that a document shows.
func compareAnswers(t *testing.T, got string, want block) {
	t.Helper()
	switch want.kind {
	case "http":
		gotHead, gotBody, _ := strings.Cut(strings.ReplaceAll(got, "\r", ""), "\n\n")
		wantHead, wantBody, _ := strings.Cut(want.text, "\n\n")
		position := regexp.MustCompile(`(?m)^Fleetbeat-Position: \d+$`)
		compareLines(t, position.ReplaceAllString(gotHead, "Fleetbeat-Position"), position.ReplaceAllString(wantHead, "Fleetbeat-Position"))
		compareJSON(t, "the body", gotBody, wantBody)
	case "json":
		got, _, _ = strings.Cut(got, "\n")
		compareJSON(t, "the answer", got, want.text)
	case "text":
		compareText(t, got, want.text)
	}
}

// compareText checks that every line wanted was written, whatever the numbers in it.
func compareText(t *testing.T, got, want string) {
	t.Helper()
	number := regexp.MustCompile(`\d+(\.\d+)?`)
	compareLines(t, number.ReplaceAllString(got, "0"), number.ReplaceAllString(want, "0"))
}

func compareLines(t *testing.T, got, want string) {
	t.Helper()
	lines := strings.Split(got, "\n")
	for line := range strings.Lines(want) {
		if line = strings.TrimSuffix(line, "\n"); !slices.Contains(lines, line) {
			t.Errorf("there is no line %q in\n%s", line, got)
		}
	}
}

func compareJSON(t *testing.T, what, got, want string) {
	t.Helper()
	var is, should any
	if err := json.Unmarshal([]byte(got), &is); err != nil {
		t.Fatalf("%s: %v: %s", what, err, got)
	}
	if err := json.Unmarshal([]byte(want), &should); err != nil {
		t.Fatalf("the document, %s: %v: %s", what, err, want)
	}
	for _, difference := range differences("", is, should) {
		t.Errorf("%s: %s", what, difference)
	}
}

// differences says where two values of JSON have not the same shape. A null may stand for anything, and a list may
// be empty.
func differences(at string, is, should any) (found []string) {
	switch should := should.(type) {
	case map[string]any:
		is, ok := is.(map[string]any)
		if !ok {
			return []string{at + " is no object"}
		}
		for name := range should {
			if _, ok := is[name]; !ok && name != "last_gap" { // the one that comes and goes
				found = append(found, at+"."+name+" is in the document only")
			}
		}
		for name, value := range is {
			if _, ok := should[name]; ok {
				found = append(found, differences(at+"."+name, value, should[name])...)
			} else if name != "last_gap" {
				found = append(found, at+"."+name+" is not in the document")
			}
		}
	case []any:
		is, ok := is.([]any)
		if !ok {
			return []string{at + " is no list"}
		}
		for i := range min(len(is), len(should)) {
			found = append(found, differences(fmt.Sprintf("%s[%d]", at, i), is[i], should[i])...)
		}
	default:
		if is != nil && should != nil && fmt.Sprintf("%T", is) != fmt.Sprintf("%T", should) {
			return []string{fmt.Sprintf("%s is %v, not like %v", at, is, should)}
		}
	}
	return found
}
