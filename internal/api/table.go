package api

import (
	"encoding/csv"
	"fmt"
	"net/http"
)

// table makes a handler of a CSV file that is made whole before it is sent. Its rows begin with the header.
func (s *server) table(name string, rows func(r *http.Request) ([][]string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		all, err := rows(r)
		if err != nil {
			writeModel(w, problemOf(err, "query", s.logger))
			return
		}
		if err := newTable(w, name).WriteAll(all); err != nil {
			panic(http.ErrAbortHandler) // part of the file may be out: cut it, so that nobody takes it for whole
		}
	}
}

// exportPages writes a CSV file page by page. The first page may still be refused.
func (s *server) exportPages(w http.ResponseWriter, r *http.Request, name string, header []string, page func(cursor string) ([][]string, string, error)) {
	rows, next, err := page("")
	if err != nil {
		writeModel(w, problemOf(err, "query", s.logger))
		return
	}
	out := newTable(w, name)
	err = out.Write(header)
	for err == nil {
		if err = out.WriteAll(rows); err != nil || next == "" {
			break
		}
		rows, next, err = page(next)
	}
	if err == nil {
		return
	}
	if r.Context().Err() == nil {
		s.logger.Error("exporting", "what", name, "error", err)
	}
	panic(http.ErrAbortHandler) // as above
}

// newTable begins an answer that is a CSV file after RFC 4180.
func newTable(w http.ResponseWriter, name string) *csv.Writer {
	nameFile(w, name)
	out := csv.NewWriter(newDownload(w))
	out.UseCRLF = true
	return out
}

// nameFile says that an answer is a CSV file with a header, and what it is called.
func nameFile(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "fleetbeat-"+name+".csv"))
}
