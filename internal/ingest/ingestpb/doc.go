// Package ingestpb is the generated code of heartbeats.proto, for those who send heartbeats as protobuf. The server
// itself reads that encoding with a decoder of its own, in package ingest.
package ingestpb
