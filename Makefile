# The two targets of a newcomer are `make run` and `make test`; each does its own set-up. `make help` lists them all.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

GO ?= go
# Same sources, same binaries: a stage that comes from the cache under another plugin checksum is said in the report, so
# plugins carry no commit; the command alone knows its version.
GOBUILD := $(GO) build -trimpath -buildvcs=false
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
PLUGINS := $(sort $(filter-out %-cuda,$(wildcard ./plugins/*/*/cmd/waveprior-*)))
# Builds of plugins that compute on GPUs (make cuda, make cuda-emulated): -tags cuda, cgo against the driver's library.
CUDA_PLUGINS := $(sort $(wildcard ./plugins/*/*/cmd/waveprior-*-cuda))

# Packages with tests that need the hooks of core/hook in the test itself.
HOOKED := $(addprefix ./,$(sort $(dir $(shell grep -rl --include='*_test.go' '^//go:build hooks' core host plugins internal))))

# Pinned tools. They are built from their modules into .cache/tools, never installed anywhere else.
TOOLS := $(CURDIR)/.cache/tools
PROTOC_GEN_GO := google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
PROTOC_GEN_GO_GRPC := google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.12.2

FUZZTIME ?= 5s
BENCH ?= .
TESTFLAGS ?=
CUDATESTS ?= ./cuda/...
CUDARUNS ?= ./core/nn ./plugins/priors/... ./plugins/solvers/helmholtz ./plugins/solvers/acoustic ./plugins/solvers/elastic ./internal/cudarun

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: deps
deps: ## what building, testing and the Python example need (Debian packages when root, else says what to type)
	@./tools/deps g++ libdnnl-dev python3-numpy python3-grpcio
	@$(GO) mod download

.PHONY: build
build: ## bin/waveprior and every plugin
	@mkdir -p bin
	@$(GOBUILD) -ldflags '-X main.version=$(VERSION)' -o bin/waveprior ./host
	@$(if $(PLUGINS),$(GOBUILD) -o bin/ $(PLUGINS))

.PHONY: run
run: deps build ## set up, build, and run the quickstart; ends with the path of its report
	@bin/waveprior run experiments/quickstart.toml

.PHONY: test
test: deps build ## set up, build, and run every test under the race detector
	@$(GO) vet ./...
	@$(if $(HOOKED),$(GO) vet -tags hooks ./...)
	@$(if $(HOOKED),$(GO) test -race -tags hooks $(HOOKED))
	@$(GO) test -race -timeout 40m $(TESTFLAGS) ./...

.PHONY: generate
generate: proto docs ## everything that is generated

.PHONY: proto
proto: ## the Go and Python code of core/proto, by protoc
	@./tools/deps protobuf-compiler
	@mkdir -p $(TOOLS)
	@GOBIN=$(TOOLS) $(GO) install $(PROTOC_GEN_GO)
	@GOBIN=$(TOOLS) $(GO) install $(PROTOC_GEN_GO_GRPC)
	@cd core/proto && PATH=$(TOOLS):$$PATH protoc -I . --go_out=. --go_opt=paths=source_relative \
		--go-grpc_out=. --go-grpc_opt=paths=source_relative \
		$(if $(wildcard examples/python),--python_out=../../examples/python) waveprior/v1/*.proto

.PHONY: docs
docs: build ## the option tables in docs/, by the plugins' own --describe
	@$(GO) run ./internal/docgen -bin bin -docs docs

# The line that names protoc's own version differs between distributions and is not compared.
.PHONY: check-generated
check-generated: generate ## regenerate, and fail on any difference from what is committed
	@git diff --exit-code -I'^// [-	 ]*protoc  *v[0-9.]*$$' -- core/proto docs examples/python
	@new=$$(git ls-files --others --exclude-standard -- core/proto docs examples/python); \
		if [ -n "$$new" ]; then echo "generated, but not committed:" $$new; exit 1; fi

.PHONY: lint
lint: ## gofmt, go vet, go mod tidy, golangci-lint, clang-format
	@GOLANGCI_LINT='$(GOLANGCI_LINT)' ./tools/lint

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (default 5s)
	@$(GO) list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./... | while read -r pkg; do \
		for target in $$($(GO) test -list '^Fuzz' "$$pkg" | grep '^Fuzz' || true); do \
			echo "$$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$pkg"; \
		done; \
	done

.PHONY: bench
bench: ## the benchmarks that match BENCH (default: all)
	@$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

.PHONY: bench-step
bench-step: ## what the processes cost: one step of dps, one of the quickstart, and one call (docs/performance.md)
	@$(GO) test -run '^$$' -bench Step ./internal/cost
	@$(GO) test -run '^$$' -bench Forward ./core/plugin

.PHONY: cpp
cpp: ## the C++ sources' own tests, by CMake and CTest
	@./tools/deps cmake g++
	@cmake -S . -B .cache/cpp -DCMAKE_BUILD_TYPE=Release >/dev/null
	@cmake --build .cache/cpp >/dev/null
	@ctest --test-dir .cache/cpp --output-on-failure

# CUDA: docs/cuda.md. The emulated driver runs the same .cu files without a GPU.
.PHONY: cuda-emulated
cuda-emulated: cuda-driver ## the emulated CUDA driver, .cache/cpp/emulated/libcuda.so.1, and the plugins that run on it
	@mkdir -p bin
	@$(if $(CUDA_PLUGINS),./tools/with-cuda emulated $(GOBUILD) -tags cuda -o bin/ $(CUDA_PLUGINS))

.PHONY: cuda-driver
cuda-driver: ## the emulated CUDA driver alone, from every .cu
	@./tools/deps cmake g++
	@cmake -S . -B .cache/cpp -DCMAKE_BUILD_TYPE=Release >/dev/null
	@cmake --build .cache/cpp --target emulated_driver kernels_in_one_unit >/dev/null

# A few launches of every kernel are recorded as the tests make them, anew each time, for make cuda-sanitize.
LAUNCHES := .cache/cuda/launches
.PHONY: cuda-test-emulated
cuda-test-emulated: cuda-driver ## go test -tags cuda on the emulated driver, every allocation checked: CUDATESTS, and CUDARUNS (plugins and whole runs)
	@rm -rf $(LAUNCHES) && mkdir -p $(LAUNCHES)
	@WAVEPRIOR_CUDA_POOL=off WAVEPRIOR_EMULATED_RECORD=$(CURDIR)/$(LAUNCHES) ./tools/with-cuda emulated \
		$(GO) test -tags cuda -count=1 -timeout 30m $(TESTFLAGS) $(CUDATESTS) $(CUDARUNS)

.PHONY: cuda-gate
cuda-gate: ## every .cu to machine code for sm_80 and sm_90: registers, spills, cuda/roofline.md; WRITE=1 brings that up to date
	@if nvrtc=$$(./tools/cuda-nvrtc); then $(GO) run ./internal/cudagate -nvrtc "$$nvrtc" $(if $(WRITE),-write); else \
		echo "NOT DONE: no kernel was compiled for a GPU, as NVIDIA's run-time compiler cannot be had here"; fi

.PHONY: cuda-sanitize
cuda-sanitize: cuda-test-emulated ## and then every kernel under ASan and UBSan in three thread orders, races looked for; its counts against cuda/roofline.md
	@cmake -S . -B .cache/sanitize -DCMAKE_BUILD_TYPE=Release -DWAVEPRIOR_LAUNCHES=$(CURDIR)/$(LAUNCHES) >/dev/null
	@cmake --build .cache/sanitize --target sanitized_replay sanitized_faults launch_file_check >/dev/null
	@ctest --test-dir .cache/sanitize --output-on-failure -R 'kernels_under_sanitizers|planted_|launch_files'
	@$(GO) run ./internal/cudagate -counts $(LAUNCHES)/counts.tsv

.PHONY: cuda
cuda: cuda-driver ## for a real GPU, by nvcc: bin/waveprior.fatbin and the plugins that use it
	@command -v nvcc >/dev/null || { echo "make cuda needs nvcc 11.8 or 12: install a CUDA toolkit (Debian non-free: nvidia-cuda-toolkit) and put it on the PATH" >&2; exit 1; }
	@cmake -S . -B .cache/cpp >/dev/null
	@cmake --build .cache/cpp --target fatbin
	@mkdir -p bin && cp .cache/cpp/waveprior.fatbin bin/
	@$(if $(CUDA_PLUGINS),./tools/with-cuda gpu $(GOBUILD) -tags cuda -o bin/ $(CUDA_PLUGINS))

# A small grid, and 15 right-hand sides where a call has three directions: a block carries 16. Time on the emulated driver says
# nothing of a GPU's, so a call has ten minutes and not the usual half.
SMALL_WAVES := --set 'grid = { nz = 12, nx = 16, spacing_m = 31.25 }' --set 'boundary = { cells = 2, sigma_max = 100.0 }' \
	--set 'frequency_hz = [4.0]' --set 'sources = { z_m = 0.0, x_first_m = 0.0, x_last_m = 468.75, count = 5 }' \
	--set 'receivers = { z_m = 343.75, x_first_m = 0.0, x_last_m = 468.75, count = 16 }'
SMALL_GATHERS := --set 'preset = "none"' --set 'grid = { nz = 12, nx = 14, spacing_m = 10.0 }' --set 'dt_s = 1e-3' --set 'nt = 40' \
	--set 'boundary = { cells = 4 }' --set 'wavelet = { peak_hz = 15.0, delay_s = 0.02 }' --set 'sources = { positions_m = [[10.0, 20.0], [13.0, 84.0]] }' \
	--set 'receivers = { z_m = 10.0, x_first_m = 0.0, x_last_m = 130.0, count = 12 }'
.PHONY: cuda-check-emulated
cuda-check-emulated: build cuda-emulated ## the conformance suites of the plugins' GPU builds, on the emulated driver
	@./tools/with-cuda emulated bin/waveprior plugin check --limit 10m prior/gmm-cuda
	@./tools/with-cuda emulated bin/waveprior plugin check --limit 10m --from internal/cudarun/testdata/tiny.toml --set train.steps=60 prior/kl-mlp-cuda
	@./tools/with-cuda emulated bin/waveprior plugin check --limit 10m $(SMALL_WAVES) solver/helmholtz-cuda
	@./tools/with-cuda emulated bin/waveprior plugin check --limit 10m $(SMALL_GATHERS) solver/acoustic-cuda
	@./tools/with-cuda emulated bin/waveprior plugin check --limit 10m $(SMALL_GATHERS) --set 'vs = { poisson = 0.25 }' --set 'rho = { constant_kg_m3 = 2000.0 }' solver/elastic-cuda

# CUDA=emulated does the same without a GPU: the benchmarks' problems are cut down, and their times say nothing.
CUDA ?= gpu
.PHONY: cuda-test
cuda-test: $(if $(filter emulated,$(CUDA)),cuda-driver,cuda) ## on a real GPU: tests of CUDATESTS and CUDARUNS, whole runs among them, and the published problems timed; CUDA=emulated: without one
ifeq ($(CUDA),emulated)
	@./tools/with-cuda emulated $(GO) test -tags cuda -count=1 -timeout 30m $(TESTFLAGS) $(CUDATESTS) $(CUDARUNS)
	@./tools/with-cuda emulated $(GO) test -tags cuda -run '^$$' -bench '$(BENCH)' -benchtime 1x -short ./internal/roofline
else
	@cmake --build .cache/cpp --target test_fatbin
	@WAVEPRIOR_FATBIN=$(CURDIR)/.cache/cpp/waveprior-test.fatbin ./tools/with-cuda gpu \
		$(GO) test -tags cuda -count=1 -timeout 30m $(TESTFLAGS) $(CUDATESTS) $(CUDARUNS)
	@WAVEPRIOR_FATBIN=$(CURDIR)/.cache/cpp/waveprior.fatbin ./tools/with-cuda gpu \
		$(GO) test -tags cuda -run '^$$' -bench '$(BENCH)' -timeout 30m ./internal/roofline
endif

.PHONY: clean
clean: ## remove what was built (runs/ and the cache of stages stay)
	@rm -rf bin .cache/tools .cache/cpp .cache/sanitize $(LAUNCHES)
