# Everything that CI does is a target here; .ci/run calls them. `make help` lists them.
MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

ROOT := $(CURDIR)
BIN := $(ROOT)/.bin
export PATH := $(BIN):$(PATH)
# Only what is to run fast is compiled by its profile: everything is compiled anew for that.
export GOFLAGS := -buildvcs=false -pgo=off

BUF_VERSION := v1.75.0
PROTOC_GEN_GO_VERSION := v1.36.12
PROTOC_GEN_GO_GRPC_VERSION := v1.6.2
PROTOVALIDATE_VERSION := v1.2.2
GOLANGCI_LINT_VERSION := v2.15.0
GOVULNCHECK_VERSION := v1.8.0
GRPCURL_VERSION := v1.9.4
OPA_VERSION := v1.22.2

MODULES := migrations pkg governance drift e2e
PACKAGES := $(addprefix ./,$(addsuffix /...,$(MODULES)))
VALIDATE_PROTO := .deps/proto/buf/validate/validate.proto
# The largest packages take minutes under the race detector on a busy machine.
TESTFLAGS ?= -timeout 15m
FUZZTIME ?= 30s

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-zA-Z0-9_-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- tools: pinned here, installed into .bin; a stamp names the version, so that a bump reinstalls.

define tool # name, package, version
$(BIN)/.$(1)-$(3):
	@mkdir -p $(BIN)
	cd / && GOBIN=$(BIN) GOFLAGS= GOWORK=off go install $(2)@$(3)
	@rm -f $(BIN)/.$(1)-v* && touch $$@
$(1)_STAMP := $(BIN)/.$(1)-$(3)
endef
$(eval $(call tool,buf,github.com/bufbuild/buf/cmd/buf,$(BUF_VERSION)))
$(eval $(call tool,protoc-gen-go,google.golang.org/protobuf/cmd/protoc-gen-go,$(PROTOC_GEN_GO_VERSION)))
$(eval $(call tool,protoc-gen-go-grpc,google.golang.org/grpc/cmd/protoc-gen-go-grpc,$(PROTOC_GEN_GO_GRPC_VERSION)))
$(eval $(call tool,golangci-lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_LINT_VERSION)))
$(eval $(call tool,govulncheck,golang.org/x/vuln/cmd/govulncheck,$(GOVULNCHECK_VERSION)))
$(eval $(call tool,grpcurl,github.com/fullstorydev/grpcurl/cmd/grpcurl,$(GRPCURL_VERSION)))
$(eval $(call tool,opa,github.com/open-policy-agent/opa,$(OPA_VERSION)))

.PHONY: tools
tools: $(buf_STAMP) $(protoc-gen-go_STAMP) $(protoc-gen-go-grpc_STAMP) $(golangci-lint_STAMP) $(govulncheck_STAMP) $(grpcurl_STAMP) ## Install the pinned tools into .bin

# The validation rules' proto comes from the Go module cache, so that no registry but the Go module proxy is needed.
$(VALIDATE_PROTO): Makefile
	@mkdir -p $(dir $@)
	cd / && GOWORK=off go mod download -json github.com/bufbuild/protovalidate@$(PROTOVALIDATE_VERSION) \
	  | awk -F'"' '$$2 == "Dir" {print $$4}' \
	  | xargs -I{} install -m 644 {}/proto/protovalidate/buf/validate/validate.proto $(ROOT)/$@

# --- code

.PHONY: generate
generate: $(VALIDATE_PROTO) $(buf_STAMP) $(protoc-gen-go_STAMP) $(protoc-gen-go-grpc_STAMP) ## Generate Go from proto/ into pkg/gen
	buf format -w proto
	buf generate

.PHONY: check-generated
check-generated: generate ## Fail unless the committed generated code is current
	@git diff --exit-code -- proto pkg/gen
	@test -z "$$(git status --porcelain -- proto pkg/gen)" || { git status --short -- proto pkg/gen; exit 1; }

.PHONY: fmt
fmt: $(golangci-lint_STAMP) $(VALIDATE_PROTO) $(buf_STAMP) ## Format Go and proto
	golangci-lint fmt $(PACKAGES)
	buf format -w proto

.PHONY: lint
lint: $(golangci-lint_STAMP) $(VALIDATE_PROTO) $(buf_STAMP) ## Lint Go and proto, and check that the contract stays compatible
	buf lint
	buf format -d --exit-code proto
	@base=$$(git merge-base HEAD origin/main 2>/dev/null || git rev-parse HEAD); \
	  git archive $$base proto buf.yaml | (rm -rf .deps/base && mkdir -p .deps/base && tar -x -C .deps/base); \
	  mkdir -p .deps/base/.deps && cp -r .deps/proto .deps/base/.deps/ && buf breaking --against .deps/base
	golangci-lint run $(PACKAGES)

.PHONY: tidy
tidy: ## Tidy every module
	for m in $(MODULES); do (cd $$m && GOWORK=off go mod tidy); done

.PHONY: check-modules
check-modules: ## Build each module by itself and check that its go.mod is tidy
	for m in $(MODULES); do echo "module $$m"; (cd $$m && GOWORK=off go build ./... && GOWORK=off go mod tidy -diff); done

.PHONY: build
build: ## Build the binaries into bin/
	go build -pgo=auto -o bin/ ./governance/cmd/governance ./drift/cmd/drift ./pkg/cmd/aumosctl ./e2e/cmd/aumos-dev

# --- tests

.PHONY: test
test: ## Run every test
	go test $(TESTFLAGS) $(PACKAGES)

.PHONY: race
race: ## Run every test under the race detector
	go test -race $(TESTFLAGS) $(PACKAGES)

.PHONY: e2e
e2e: ## Run the end-to-end tests on the real binaries, uncached
	go test -count=1 $(TESTFLAGS) ./e2e/...

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (30s)
	@for m in $(MODULES); do (cd $$m && \
	  go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}' ./... | while read -r dir; do \
	    { grep -ho '^func Fuzz[A-Za-z0-9_]*' "$$dir"/*_test.go || true; } | sed 's/^func //' | while read -r target; do \
	      echo "== $$dir $$target"; (cd "$$dir" && go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) .); done; done); done

.PHONY: cover
cover: ## Run every test and print the coverage per package
	go test -cover $(TESTFLAGS) $(PACKAGES)

.PHONY: bench
bench: ## Print decisions/s, cold versions and memory of 10,000 tenants, past states, verified entries/s, and KS on 1M against 1M values (bench-wall: appends)
	go test -run '^$$' -bench 'BenchmarkDecision' -benchmem ./governance/internal/api/...
	go test -run '^$$' -bench 'BenchmarkTenants' -benchtime 1x ./governance/internal/api
	go test -run '^$$' -bench 'BenchmarkTimeMachine' ./governance/internal/audit/...
	go test -run '^$$' -bench 'BenchmarkVerifyExport' -cpu 1 ./pkg/auditlog
	go test -run '^$$' -bench 'BenchmarkVerifyDatabase' -benchtime 1x ./pkg/cmd/aumosctl/internal/walldb
	go test -run '^$$' -bench 'BenchmarkKS1M' -benchmem ./drift/internal/detect/...

.PHONY: peers
peers: .deps/peers/.installed ## Install the implementations that the drift engine is compared with (SciPy, River, Evidently, NannyML) into .deps/peers

.deps/peers/.installed: drift/peers/requirements.txt
	rm -rf .deps/peers && python3 -m venv .deps/peers
	.deps/peers/bin/pip install --quiet --requirement drift/peers/requirements.txt
	touch $@

.PHONY: golden
golden: peers ## Write the golden values of the drift engine's tests from the peers
# Evidently adds up categories in the order of a set: without a seed for hashes the last digits would change from run to run.
	@for script in $$(git ls-files 'drift/**/golden*.py'); do echo "$$script"; PYTHONPATH=drift/peers PYTHONHASHSEED=0 .deps/peers/bin/python -B "$$script" || exit 1; done

.PHONY: catalog
catalog: ## Write docs/drift-catalog.md: what each drift test says of itself
	UPDATE_CATALOG=1 go test ./drift/internal/detect -run '^TestCatalogDocument$$' -count=1

.PHONY: attack-wall
attack-wall: ## Attack the Audit Wall as every role and write docs/attack-wall.md
	UPDATE_ATTACK_WALL=1 go test ./governance/internal/wallattack -run '^TestAttacks$$' -count=1 -v

.PHONY: conformance
conformance: ## Run OPA's compliance cases and write docs/rego-conformance.md: what the profile leaves out, and why
	UPDATE_CONFORMANCE=1 go test ./governance/internal/rego -run '^TestConformance$$' -count=1 -v

.PHONY: bench-wall
bench-wall: ## Measure the Audit Wall's write path and write docs/bench-wall.md (BENCH_WALL_MAX=10000000: a longer curve)
	UPDATE_BENCH_WALL=1 go test ./governance/internal/wallbench -run '^$$' -bench '^BenchmarkWall$$' -benchtime 1x -timeout 30m

.PHONY: bench-decisions
bench-decisions: $(opa_STAMP) ## Measure decisions beside OPA's own server and write docs/bench-decisions.md
	UPDATE_BENCH_DECISIONS=1 go test ./e2e/decisionbench -run '^$$' -bench '^BenchmarkDecisions$$' -benchtime 1x -timeout 30m

.PHONY: calibrate
calibrate: peers ## Measure false alarms and power of every drift test and write docs/drift-calibration.md (CALIBRATE_SHORT=1: a part, printed)
	$(if $(CALIBRATE_SHORT),,UPDATE_CALIBRATION=1) CALIBRATE_SHORT=$(CALIBRATE_SHORT) CALIBRATE_PEERS=$(CALIBRATE_PEERS) go test ./drift/internal/calibration -run '^$$' -bench '^BenchmarkCalibration$$' -benchtime 1x -v -timeout 30m

.PHONY: bench-drift
bench-drift: peers ## Measure the drift engine beside SciPy, Evidently and River and write docs/bench-drift.md (BENCH_DRIFT_SHORT=1: a part, printed)
	$(if $(BENCH_DRIFT_SHORT),,UPDATE_BENCH_DRIFT=1) BENCH_DRIFT_SHORT=$(BENCH_DRIFT_SHORT) BENCH_DRIFT_PEERS=$(BENCH_DRIFT_PEERS) go test ./drift/internal/driftbench -run '^$$' -bench '^BenchmarkDrift$$' -benchtime 1x -v -timeout 30m

# Without the frames of SHA-256: where they are hot the compiler inlines crypto/sha256.Sum256 into its callers without sha256.New, loses sight of what that
# returns, and puts the digest and all that is hashed on the heap.
.PHONY: profile
profile: ## Write the profile of a service that decides, under the load of bench-decisions, by which `make build` compiles governance
	go test -trimpath -run '^$$' -bench '^BenchmarkProfile$$' -benchtime 1x -o $(CURDIR)/bin/profile.test -cpuprofile $(CURDIR)/bin/profile.pprof ./e2e/decisionbench
	go tool pprof -proto -symbolize=none -hide '^crypto/(internal/fips140/)?sha256\.' -output governance/cmd/governance/default.pgo bin/profile.pprof

.PHONY: vulncheck
vulncheck: $(govulncheck_STAMP) ## Check the dependencies against the Go vulnerability database, when it can be reached
	@./scripts/vulncheck $(MODULES)

# --- run

.PHONY: dev
dev: $(grpcurl_STAMP) ## Run the whole platform with sample data; state in .dev/ (flags in ARGS)
	@mkdir -p bin && go build -o bin/ ./e2e/cmd/aumos-dev ./pkg/cmd/aumosctl
	@exec bin/aumos-dev $(ARGS)

.PHONY: check
check: check-generated lint check-modules test race vulncheck ## Everything that CI checks, in order

.PHONY: clean
clean: ## Remove what was built (not .dev/ and .bin/)
	rm -rf bin .deps/base
