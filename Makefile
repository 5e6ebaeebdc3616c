# Overture: `make` prints this help. Every target works from a clean clone; the first three need nothing but Go.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := bin/overture
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
OVERTURE_TEST_POSTGRES ?= postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable
export CGO_ENABLED ?= 0

.PHONY: help
help: ## Print this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z-]*:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/overture
	go build -trimpath -o $(BIN) ./cmd/overture

.PHONY: demo
demo: build ## Watch a whole campaign go out, come back and be answered (ARGS=--once ends by itself)
	$(BIN) demo $(ARGS)

.PHONY: test
test: ## Run every test that needs no service
	env -u OVERTURE_TEST_POSTGRES go test ./...

.PHONY: test-postgres
test-postgres: ## Run the same suites on PostgreSQL (OVERTURE_TEST_POSTGRES=postgres://…); fails when none is reachable
	OVERTURE_TEST_POSTGRES='$(OVERTURE_TEST_POSTGRES)' go test -count=1 -p 4 ./...

.PHONY: bench
bench: build ## Measure the figures beside this machine's bare ceiling; one JSON line per figure at the end
	$(BIN) bench $(ARGS)

.PHONY: torture
torture: build ## Kill the server with SIGKILL in mid-campaign, again and again, and verify (ARGS="--cycles 100")
	$(BIN) torture $(ARGS)

.PHONY: lint
lint: ## Check format, vet and the linters of .golangci.yml
	@bad=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$bad" || { echo "these files need gofmt:"; echo "$$bad"; exit 1; }
	go vet ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run ./...; \
	elif [ -x "$$(go env GOPATH)/bin/golangci-lint" ]; then "$$(go env GOPATH)/bin/golangci-lint" run ./...; \
	else echo "golangci-lint is missing; install it with: go install $(GOLANGCI)"; exit 1; fi

.PHONY: install-lint
install-lint: ## Install the linter that make lint runs
	go install $(GOLANGCI)

.PHONY: generate
generate: ## Write the generated and golden files anew (api/openapi.json, demo recipients, golden files)
	go generate ./...
	go test ./internal/serve/api -run OpenAPI -update

.PHONY: verify
verify: ## Fail when a generated file is not what generate would write
	go mod verify
	go mod tidy -diff
	$(MAKE) generate
	git diff --exit-code -- api internal/demo/people.csv
