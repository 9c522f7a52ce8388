# Fleetbeat's commands. Go, make and git are enough for all of them: Go fetches its own newer toolchain when go.mod asks
# for one, and builds the pinned tools of tools/ on first use. `make test` adds the race detector where it finds a C compiler.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo build test check bench generate fmt clean \
	check-format check-vet check-lint check-workflows check-protobuf check-generated check-modules

# Fleetbeat is pure Go. Without cgo, the same binary comes out whether or not the machine has a C compiler.
export CGO_ENABLED = 0

# `make demo ARGS='--vehicles 5000'` and `make bench ARGS=...` hand flags on; so does `make test TESTFLAGS=-v PACKAGES=./internal/fleet`.
ARGS ?=
TESTFLAGS ?=
PACKAGES ?= ./...

# What `fleetbeat version` says: the newest tag, how far beyond it, and whether there were changes; "dev" outside a clone.
# Go's own stamp is left out: it fails in a clone that belongs to another user.
VERSION ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),dev)

# A tool at the version its own go.mod pins, built on first use and from then on taken from Go's build cache.
tool = go tool -modfile=tools/$(1)/go.mod $(1)

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

demo: build ## Run a server with a simulated fleet, and say where to look
	bin/fleetbeat demo $(ARGS)

build: ## Build bin/fleetbeat
	go build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)' -o bin/fleetbeat ./cmd/fleetbeat

test: ## Run all tests, with the race detector where there is a C compiler
	@scripts/test $(TESTFLAGS) $(PACKAGES)

check: check-format check-vet check-lint check-workflows check-protobuf check-generated check-modules ## Run every check that is not a test

check-format:
	@scripts/check-format

check-vet:
	go vet ./...

check-lint:
	$(call tool,golangci-lint) run

check-workflows:
	$(call tool,actionlint)

check-protobuf:
	$(call tool,buf) lint --config tools/buf/buf.yaml

check-generated:
	@scripts/check-generated

check-modules:
	@scripts/check-modules

bench: build ## Measure this machine: throughput, latency, memory (takes minutes)
	bin/fleetbeat bench $(ARGS)

generate: ## Write the generated code again (protobuf)
	@scripts/generate .

fmt: ## Format the Go code
	go fmt ./...

clean: ## Remove what make built
	rm -rf bin
