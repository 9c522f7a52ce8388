// Package logpb is the generated code of log.proto, the encoding of the log. Only package eventlog uses it.
package logpb
