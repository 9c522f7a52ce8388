package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsHTML string

// documents are the descriptions of the API, made once, after everything is registered.
type documents struct {
	json, yaml, page []byte
	policy           string // of the page
}

// describeDocuments registers the calls that serve the documents, so that they are in the documents too.
func (s *server) describeDocuments() *documents {
	docs := &documents{}
	s.raw(huma.Operation{
		OperationID: "openapi-json", Method: http.MethodGet, Path: "/openapi.json", Tags: []string{"machines"},
		Summary: "This API as an OpenAPI 3.1 document", Responses: answers("The document", "application/openapi+json", nil),
	}, func(w http.ResponseWriter, _ *http.Request) { writeBytes(w, "application/openapi+json", docs.json) })
	s.raw(huma.Operation{
		OperationID: "openapi-yaml", Method: http.MethodGet, Path: "/openapi.yaml", Tags: []string{"machines"},
		Summary: "The same as YAML", Responses: answers("The document", "application/openapi+yaml", nil),
	}, func(w http.ResponseWriter, _ *http.Request) { writeBytes(w, "application/openapi+yaml", docs.yaml) })
	s.raw(huma.Operation{
		OperationID: "docs", Method: http.MethodGet, Path: "/docs", Tags: []string{"machines"},
		Summary: "The same as a page for people", Responses: answers("The page", "text/html", nil),
	}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", docs.policy)
		writeBytes(w, "text/html; charset=utf-8", docs.page)
	})
	return docs
}

// make writes the documents from what is registered.
func (d *documents) make(api *huma.OpenAPI) (err error) {
	if d.json, err = documentJSON(api); err != nil {
		return err
	}
	if d.yaml, err = api.YAML(); err != nil {
		return fmt.Errorf("writing the OpenAPI document as YAML: %w", err)
	}
	page, err := template.New("docs").Parse(docsHTML)
	if err != nil {
		return fmt.Errorf("reading the page of the API: %w", err)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, docsPageOf(api)); err != nil {
		return fmt.Errorf("writing the page of the API: %w", err)
	}
	d.page = out.Bytes()
	style := between(out.String(), "<style>", "</style>")
	d.policy = "default-src 'none'; style-src " + hashSource(style) + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return nil
}

func documentJSON(api *huma.OpenAPI) ([]byte, error) {
	document, err := json.MarshalIndent(api, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the OpenAPI document: %w", err)
	}
	return document, nil
}

func between(text, from, to string) string {
	_, rest, _ := strings.Cut(text, from)
	inside, _, _ := strings.Cut(rest, to)
	return inside
}

// hashSource allows exactly this inline style or script in a content security policy.
func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func writeBytes(w http.ResponseWriter, contentType string, data []byte) {
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(data) // an error here is the caller's connection
}

// docsPage is what docs.html shows.
type docsPage struct {
	Title, Version, Description string
	Sections                    []docsSection
	Shapes                      []docsShape
}

type docsSection struct {
	Name, Description string
	Operations        []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Description string
	Parameters                             []docsParameter
	Bodies                                 []docsBody
	Answers                                []docsAnswer
}

type docsParameter struct {
	Name, In, Description string
	Type                  string
	Required              bool
}

type docsBody struct {
	ContentType string
	Type        docsType
}

type docsAnswer struct {
	Status, Description string
	Bodies              []docsBody
}

type docsShape struct {
	Name   string
	Fields []docsField
}

type docsField struct {
	Name, Description string
	Type              docsType
	Required          bool
}

// docsType is a type in words, and the shape to link to when it is made of one.
type docsType struct{ Text, Shape string }

func docsPageOf(api *huma.OpenAPI) docsPage {
	page := docsPage{
		Title: api.Info.Title, Version: api.Info.Version, Description: api.Info.Description,
	}
	for _, tag := range api.Tags {
		page.Sections = append(page.Sections, docsSection{
			Name: tag.Name, Description: tag.Description, Operations: docsOperations(api, tag.Name),
		})
	}
	shapes := api.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		page.Shapes = append(page.Shapes, docsShapeOf(name, shapes[name]))
	}
	return page
}

func docsOperations(api *huma.OpenAPI, tag string) (out []docsOperation) {
	for _, address := range slices.Sorted(maps.Keys(api.Paths)) {
		for _, op := range operationsOf(api.Paths[address]) {
			if slices.Contains(op.Tags, tag) {
				out = append(out, docsOperationOf(address, op))
			}
		}
	}
	return out
}

// operationsOf lists what one path answers, reading before writing.
func operationsOf(item *huma.PathItem) (out []*huma.Operation) {
	for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
		if op != nil {
			out = append(out, op)
		}
	}
	return out
}

func docsOperationOf(address string, op *huma.Operation) docsOperation {
	out := docsOperation{ID: op.OperationID, Method: op.Method, Path: address, Summary: op.Summary, Description: op.Description}
	for _, p := range op.Parameters {
		out.Parameters = append(out.Parameters, docsParameter{
			Name: p.Name, In: p.In, Description: p.Description, Required: p.Required, Type: docsTypeOf(p.Schema).Text,
		})
	}
	if op.RequestBody != nil {
		out.Bodies = docsBodies(op.RequestBody.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		answer := op.Responses[status]
		out.Answers = append(out.Answers, docsAnswer{Status: status, Description: answer.Description, Bodies: docsBodies(answer.Content)})
	}
	return out
}

func docsBodies(content map[string]*huma.MediaType) (out []docsBody) {
	for _, contentType := range slices.Sorted(maps.Keys(content)) {
		out = append(out, docsBody{ContentType: contentType, Type: docsTypeOf(content[contentType].Schema)})
	}
	return out
}

func docsShapeOf(name string, shape *huma.Schema) docsShape {
	out := docsShape{Name: name}
	for _, field := range slices.Sorted(maps.Keys(shape.Properties)) {
		schema := shape.Properties[field]
		out.Fields = append(out.Fields, docsField{
			Name: field, Description: schema.Description, Type: docsTypeOf(schema), Required: slices.Contains(shape.Required, field),
		})
	}
	return out
}

func docsTypeOf(s *huma.Schema) (out docsType) {
	switch {
	case s == nil:
		return docsType{}
	case s.Ref != "":
		name := path.Base(s.Ref)
		return docsType{Text: name, Shape: name}
	case s.Type == huma.TypeArray:
		out = docsTypeOf(s.Items)
		out.Text = "list of " + out.Text
	case s.Format != "":
		out.Text = s.Type + " (" + s.Format + ")"
	default:
		out.Text = s.Type
	}
	if len(s.Enum) > 0 {
		words := make([]string, len(s.Enum))
		for i, word := range s.Enum {
			words[i] = fmt.Sprint(word)
		}
		out.Text = strings.Join(words, ", ")
	}
	if s.Nullable {
		out.Text += " or null"
	}
	return out
}
