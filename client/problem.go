package client

import (
	"fmt"
	"strings"
	"time"
)

// Problem is what the server says when it refuses: RFC 9457 problem details.
type Problem struct {
	Type   string         `json:"type,omitempty" doc:"A URI that names the kind of problem; about:blank when absent"`
	Title  string         `json:"title" doc:"The status in words" example:"Not Found"`
	Status int            `json:"status" doc:"The HTTP status" example:"404"`
	Detail string         `json:"detail,omitempty" doc:"What is wrong, for a person"`
	Reason string         `json:"reason,omitempty" doc:"Why a heartbeat was refused, in one word for programs" example:"unknown_vehicle"`
	Errors []ProblemPlace `json:"errors,omitempty" nullable:"false" doc:"What is wrong, place by place"`

	RetryAfter time.Duration `json:"-"` // how long the server asks to wait before trying again; 0 when it does not say
}

// ProblemPlace is one thing that is wrong with a request, and where.
type ProblemPlace struct {
	Message  string `json:"message"`
	Location string `json:"location,omitempty" doc:"Where, for instance body.tags[3] or query.limit"`
	Value    any    `json:"value,omitempty" doc:"What stood there"`
}

// Error says what was refused, and why.
func (p *Problem) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d %s", p.Status, p.Title)
	if p.Detail != "" {
		text.WriteString(": " + p.Detail)
	}
	for _, place := range p.Errors {
		fmt.Fprintf(&text, "; %s: %s", place.Location, place.Message)
	}
	return text.String()
}
