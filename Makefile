# Fleetbeat's commands. Go, make and git are enough for all of them: Go fetches its own newer toolchain when go.mod asks
# for one, and builds the pinned tools of tools/ on first use; the dashboard's tools, Node included, come from
# web/package-lock.json by npm, which scripts/need installs where it may. `make test` adds the race detector where it finds a
# C compiler.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Tests measure time, and npm writes one folder: with `make -j` too, one thing is done at a time.
.NOTPARALLEL:
.PHONY: help demo build test test-go test-web test-e2e test-deploy test-cluster check bench bench-web screenshots generate fmt clean \
	image push deb release \
	check-format check-vet check-lint check-workflows check-protobuf check-generated check-modules check-web check-messages

# Fleetbeat is pure Go. Without cgo, the same binary comes out whether or not the machine has a C compiler.
export CGO_ENABLED = 0

# `make demo ARGS='--vehicles 5000'` and `make bench ARGS=...` hand flags on; so does `make test TESTFLAGS=-v PACKAGES=./internal/fleet`.
ARGS ?=
TESTFLAGS ?=
PACKAGES ?= ./...

# What `fleetbeat version` says: the newest tag, how far beyond it, and whether there were changes; "dev" outside a clone.
# Go's own stamp is left out: it fails in a clone that belongs to another user.
VERSION ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),dev)

# When what is built was committed: files in images and packages are as old as that, so that the same commit gives the same bytes.
REVISION = $(shell git rev-parse HEAD 2>/dev/null)
SOURCE_DATE_EPOCH = $(or $(shell git log -1 --format=%ct 2>/dev/null),0)
export SOURCE_DATE_EPOCH

# Where `make push` sends the image, such as registry.example.com/team.
REGISTRY ?=

# The architectures of images, packages and releases.
ARCHS = amd64 arm64

# A tool at the version its own go.mod pins, built on first use and from then on taken from Go's build cache.
tool = go tool -modfile=tools/$(1)/go.mod $(1)

# What the dashboard is built from. A folder changes when a file is added or removed.
web = $(shell find web/src web/public web/angular.json web/package.json web/package-lock.json web/tsconfig.json \
	web/tsconfig.app.json web/tools/pack.mjs ! -name '*.spec.ts')

help: ## Show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

demo: build ## Run a server with a simulated fleet, and say where to look
	bin/fleetbeat demo $(ARGS)

build: web/dist/index.html ## Build bin/fleetbeat, with the dashboard in it
	go build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)' -o bin/fleetbeat ./cmd/fleetbeat

web/dist/index.html: $(web)
	scripts/npm run --silent build

# Whoever names packages wants these.
bin/linux-%/fleetbeat: FORCE web/dist/index.html
	GOOS=linux GOARCH=$* go build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)' -o $@ ./cmd/fleetbeat

.PHONY: FORCE
FORCE:

image: $(ARCHS:%=bin/linux-%/fleetbeat) ## Build the container image for all architectures: bin/image, and bin/image-ARCH.tar for docker load
	cd tools/image && go run . build --out ../../bin/image --version '$(VERSION)' --revision '$(REVISION)' \
		--created $(SOURCE_DATE_EPOCH) $(foreach arch,$(ARCHS),$(arch)=../../bin/linux-$(arch)/fleetbeat)

push: ## Push what make image built: make push REGISTRY=registry.example.com/team
	$(if $(REGISTRY),,$(error say where to: make push REGISTRY=registry.example.com/team))
	cd tools/image && go run . push --from ../../bin/image $(REGISTRY)/fleetbeat:$(subst +,-,$(VERSION))

deb: $(ARCHS:%=bin/linux-%/fleetbeat) ## Build Debian packages with a systemd unit: bin/*.deb
	@scripts/deb '$(VERSION)' $(ARCHS)

release: image deb ## Everything that a release holds: bin/release
	@scripts/release '$(VERSION)' $(ARCHS)

test-deploy: image deb ## Run the image and the package for real: needs root and Docker, which it installs on Debian
	@scripts/test-deploy
	@scripts/test-deploy-cluster

test-cluster: build ## Run a cluster of real processes under load, while they die and come back: needs root, takes some minutes
	@scripts/test-cluster

test: test-go $(if $(filter ./...,$(PACKAGES)),test-web test-e2e) ## Run all tests

test-go: ## Test the Go code, with the race detector where there is a C compiler
	@scripts/test $(TESTFLAGS) $(PACKAGES)

test-web: ## Test the dashboard's code
	@scripts/test-web

test-e2e: ## Test the dashboard in a browser, with the server it belongs to
	@scripts/test-e2e

check: check-format check-vet check-lint check-workflows check-protobuf check-generated check-modules check-web check-messages ## Run every check that is not a test

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

check-web:
	scripts/npm run --silent lint

check-messages:
	scripts/npm run --silent check-messages

bench: build ## Measure this machine: throughput, latency, memory (takes minutes)
	bin/fleetbeat bench $(ARGS)

bench-web: ## Measure the dashboard in a browser: first load, frames, memory (takes a quarter of an hour)
	@scripts/test-e2e --config playwright.measure.config.ts figures

screenshots: ## Take the pictures of the documents
	@scripts/test-e2e --config playwright.measure.config.ts pictures

generate: ## Write the generated code again (protobuf, the API's types)
	@scripts/generate .

fmt: ## Format the code
	go fmt ./...
	scripts/npm run --silent format

clean: ## Remove what make built
	rm -rf bin web/build web/.angular
	find web/dist -mindepth 1 ! -name .gitignore -delete
