package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth bounds how deep the JSON of a request may nest. The deepest shape of ours has four levels.
const maxDepth = 8

// errDepth says that a request nests deeper than any shape of ours.
var errDepth = fmt.Errorf("nested deeper than %d levels", maxDepth)

// formats are what requests and answers are written in: JSON only. Reading is strict, where encoding/json is not: no
// duplicate or wrong-case names, valid UTF-8, bounded depth, nothing after the end. Unknown names are refused by the
// schema, which also says where they stand; but it passes over case, so what it lets through is looked at again.
func formats() map[string]huma.Format {
	strict := huma.Format{Marshal: writeJSON, Unmarshal: readJSON}
	return map[string]huma.Format{"application/json": strict, "json": strict}
}

// writeJSON writes an answer. A problem may repeat what was sent, which need not be valid UTF-8.
func writeJSON(w io.Writer, v any) error {
	return json.MarshalWrite(w, v, jsontext.AllowInvalidUTF8(true), jsontext.EscapeForHTML(true))
}

func readJSON(data []byte, v any) error {
	if err := checkDepth(data); err != nil {
		return err
	}
	err := json.Unmarshal(data, v, json.RejectUnknownMembers(true))
	if fault, ok := errors.AsType[*json.SemanticError](err); ok && fault.Err != nil {
		return fmt.Errorf("at %s: %w", fault.JSONPointer, fault.Err) // without the names of our types
	}
	return err
}

func checkDepth(data []byte) error {
	tokens := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		_, err := tokens.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case tokens.StackDepth() > maxDepth:
			return errDepth
		}
	}
}
