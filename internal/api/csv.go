package api

import (
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/registry"
)

// Limits of files of vehicles.
const (
	maxImport = 64 << 20         // bytes
	filePause = 30 * time.Second // that the other side may let pass between two parts of a file
)

// The sender of a file let the connection break, or go quiet.
var (
	errFileTooLarge = errors.New("the file is larger than 64 MiB; split it")
	errFileTooSlow  = errors.New("nothing more of the file came for 30 seconds")
	errFileBroken   = errors.New("the file could not be read to its end")
)

func (s *server) describeFiles() {
	flag := &huma.Schema{Type: huma.TypeBoolean}
	file := map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: huma.TypeString}}}
	s.stream(huma.Operation{
		OperationID: "import", Method: http.MethodPost, Path: "/v1/import", Tags: []string{"vehicles"},
		Summary: "Add and change vehicles by a CSV file",
		Description: "At most 64 MiB. Columns by name, in any order: vin, registration_number, customer_id, customer_name, " +
			"customer_address, tags (with semicolons between), late_after, offline_after, paused. Needed are vin and one of customer_id " +
			"and customer_name. What the file has no column for stays. One wrong line keeps all from being written, unless partial is " +
			"asked for. Wrong lines are not a refusal: the answer lists them.",
		Parameters: []*huma.Param{
			parameter("query", "partial", "Write the lines that are right", flag),
			parameter("query", "dry_run", "Write nothing, and say what would happen", flag),
		},
		RequestBody: &huma.RequestBody{Required: true, Content: file},
		Responses:   answers("What the import did", "application/json", s.shape(reflect.TypeFor[client.ImportResult]())),
		Errors: []int{
			http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge,
			http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusServiceUnavailable,
		},
	}, s.importFile)
	s.stream(huma.Operation{
		OperationID: "export", Method: http.MethodGet, Path: "/v1/export", Tags: []string{"vehicles"},
		Summary: "All vehicles as a CSV file", Description: "It imports again unchanged.",
		Responses: answers("The file", "text/csv", nil), Errors: []int{http.StatusInternalServerError},
	}, s.exportFile)
}

func (s *server) importFile(w http.ResponseWriter, r *http.Request) {
	result, err := s.runImport(w, r)
	if err != nil {
		writeModel(w, problemOf(err, "body", s.logger))
		return
	}
	s.answerJSON(w, result)
}

func (s *server) runImport(w http.ResponseWriter, r *http.Request) (client.ImportResult, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "text/csv" {
		return client.ImportResult{}, refuse(http.StatusUnsupportedMediaType, "header.Content-Type", "the file must be sent as text/csv", nil)
	}
	var options registry.ImportOptions
	for name, option := range map[string]*bool{"partial": &options.Partial, "dry_run": &options.DryRun} {
		if err := readFlag(r, name, option); err != nil {
			return client.ImportResult{}, err
		}
	}
	if r.ContentLength > maxImport {
		return client.ImportResult{}, errFileTooLarge // said at once, not after waiting for what is too much anyway
	}
	file := &upload{body: http.MaxBytesReader(w, r.Body, maxImport), control: outlive(w)}
	defer func() { _ = file.control.SetWriteDeadline(time.Now().Add(filePause)) }() // for the answer
	result, err := s.cfg.Registry.Import(r.Context(), file, options)
	if err != nil {
		return client.ImportResult{}, err
	}
	answer := importResultOf(result)
	if result.Applied {
		position, err := s.shown(r.Context(), result.Revision, fileWaitTimeout)
		if err != nil {
			return client.ImportResult{}, err
		}
		answer.Position = uint64(position)
	}
	return answer, nil
}

// readFlag reads a query parameter that is true or false; one that stands there without a value is true.
func readFlag(r *http.Request, name string, flag *bool) (err error) {
	query := r.URL.Query()
	if !query.Has(name) {
		return nil
	}
	value := query.Get(name)
	if *flag, err = strconv.ParseBool(value); err != nil && value != "" {
		return refuse(http.StatusUnprocessableEntity, "query."+name, "must be true or false", value)
	}
	*flag = *flag || value == ""
	return nil
}

// outlive takes the server's time limits off a request that may rightly take longer, and gives what sets others. The
// limit on reading ends the whole request when it passes, even long after the body was read.
func outlive(w http.ResponseWriter) *http.ResponseController {
	control := http.NewResponseController(w)
	// An error says that there are no deadlines here, as in a test without a connection.
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
	return control
}

// upload is the body of an import. A file may take longer to send than the server allows a request; instead, it must
// keep coming.
type upload struct {
	body    io.Reader
	control *http.ResponseController
}

func (u *upload) Read(p []byte) (int, error) {
	_ = u.control.SetReadDeadline(time.Now().Add(filePause))
	n, err := u.body.Read(p)
	_ = u.control.SetReadDeadline(time.Time{}) // what comes after the file has no such limit
	var tooLarge *http.MaxBytesError
	var network net.Error
	switch {
	case err == nil || err == io.EOF:
		return n, err
	case errors.As(err, &tooLarge):
		return n, errFileTooLarge
	case errors.As(err, &network) && network.Timeout():
		return n, errFileTooSlow
	}
	return n, errFileBroken
}

func importResultOf(r registry.ImportResult) client.ImportResult {
	return client.ImportResult{
		Applied: r.Applied, Lines: r.Lines, Created: r.Created, Updated: r.Updated, Unchanged: r.Unchanged,
		CustomersCreated: r.CustomersCreated, Rejected: r.Rejected, Errors: lineErrors(r.Errors), Warnings: lineErrors(r.Warnings),
	}
}

func lineErrors(errs []registry.LineError) []client.LineError {
	out := make([]client.LineError, len(errs))
	for i, e := range errs {
		out[i] = client.LineError(e)
	}
	return out
}

func (s *server) exportFile(w http.ResponseWriter, r *http.Request) {
	nameFile(w, "vehicles")
	err := s.cfg.Registry.Export(r.Context(), newDownload(w))
	if err == nil {
		return
	}
	if r.Context().Err() == nil {
		s.logger.Error("exporting vehicles", "error", err)
	}
	panic(http.ErrAbortHandler) // part of the file may be out: cut it, so that nobody takes it for whole
}

// download is a file on its way out. Its reader may take long for all of it, but must keep reading.
type download struct {
	w       io.Writer
	control *http.ResponseController
}

func newDownload(w http.ResponseWriter) *download { return &download{w: w, control: outlive(w)} }

func (d *download) Write(p []byte) (int, error) {
	_ = d.control.SetWriteDeadline(time.Now().Add(filePause))
	return d.w.Write(p)
}
