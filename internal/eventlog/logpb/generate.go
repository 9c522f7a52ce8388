// Package logpb is the generated code of log.proto, the encoding of the log. Only package eventlog uses it.
package logpb

//go:generate protoc --go_out=. --go_opt=paths=source_relative log.proto
