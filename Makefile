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

CONSOLE := web/console
CONSOLE_SOURCES := $(shell find $(CONSOLE)/src $(CONSOLE)/public -type f ! -name schema.d.ts 2>/dev/null) $(addprefix $(CONSOLE)/,index.html package.json package-lock.json vite.config.ts compress.mjs) api/openapi.json

.PHONY: build
build: console ## Build bin/overture, with the console when Node is there
	go build -trimpath -o $(BIN) ./cmd/overture

.PHONY: console
console: ## Build the browser files that bin/overture embeds
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(CONSOLE)/dist/index.html; \
	else echo "npm is missing: the binary goes without the console; its API and commands are complete"; fi

$(CONSOLE)/node_modules/.package-lock.json: $(CONSOLE)/package-lock.json
	cd $(CONSOLE) && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --engine-strict --no-audit --no-fund

$(CONSOLE)/dist/index.html: $(CONSOLE)/node_modules/.package-lock.json $(CONSOLE_SOURCES)
	cd $(CONSOLE) && npm run --silent build

.PHONY: test-console
test-console: $(CONSOLE)/dist/index.html ## Check types, style, texts, parts and weight of the console
	cd $(CONSOLE) && npm run --silent check && npm run --silent test && npm run --silent budget

.PHONY: test-browser
test-browser: build ## Walk through the console in Chromium: journeys, every page with axe, 320 px; needs /usr/bin/chromium or CHROMIUM (ARGS="-g pause")
	cd $(CONSOLE) && npx playwright test $(ARGS)

.PHONY: lighthouse
lighthouse: build ## Measure every page of the console with Lighthouse; on a quiet machine (ARGS="--runs 3")
	cd $(CONSOLE)/tools/lighthouse && npm ci --engine-strict --no-audit --no-fund && node measure.mjs $(ARGS)

.PHONY: long-list
long-list: build ## Work through a list of 1,000,000 people in Chromium: no task over 200 ms; on a quiet machine (ARGS="--rows 10000")
	cd $(CONSOLE) && node tools/longlist.mjs $(ARGS)

.PHONY: pictures
pictures: build ## Make docs/pictures anew from the demo
	cd $(CONSOLE) && node tools/pictures.mjs

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

.PHONY: simulate
simulate: build ## Play the send protocol through SEEDS=n seeded runs of faults; prints what replays a failure (ARGS="--mode late")
	$(BIN) simulate --seeds $(or $(SEEDS),2000) $(ARGS)

.PHONY: mutants
mutants: ## Leave out one rule of the send protocol after the other: the simulator must miss each within 1,000 seeds
	go build -trimpath -tags mutants -o bin/overture-mutants ./cmd/overture
	go test -tags mutants ./internal/cli -run Simulate
	bin/overture-mutants simulate --mutants --seeds 1000

.PHONY: torture
torture: build ## Kill the server with SIGKILL in mid-campaign, again and again, and verify (ARGS="--cycles 100")
	$(BIN) torture $(ARGS)

.PHONY: crash-points
crash-points: ## Kill the server at each named place of the send protocol, and verify (ARGS="--full --database-url …")
	go build -trimpath -tags crashpoints -o $(BIN)-crashpoints ./cmd/overture
	$(BIN)-crashpoints torture --crash-points $(ARGS)

.PHONY: faults
faults: build ## Break things under a campaign and verify: docs/FAULTS.md (ARGS="--only F-V --full")
	$(BIN) faults --database-url '$(OVERTURE_TEST_POSTGRES)' $(ARGS)

.PHONY: soak
soak: build ## One campaign of a million with everything on, and verify (ARGS="--messages 100000")
	$(BIN) soak $(ARGS)

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
