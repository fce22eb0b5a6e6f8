# gostitch: everything a developer runs. Only Python >= 3.10 and make are needed;
# Go and a C compiler come from PyPI into .venv where the machine has none.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
RUN := $(BIN)/python python/native/toolchain.py run
GO := $(RUN) go
SHARED := $(GO) build -buildmode=c-shared -trimpath '-ldflags=-s -w' -tags=grpcnotrace
STATICCHECK_VERSION := v0.8.2

GO_SOURCES := $(shell find gocore -name '*.go' -not -name '*_test.go' -o -name '*.h' -o -name '*.c' -o -name '*.pgo') go.mod go.sum
# Fuzz targets, as package:function:executions. Where a time ends the fuzzing, Go 1.26 may fail
# without an input that does (golang.org/issue/75804).
FUZZ := ./gocore/codec:FuzzDecode:1300000x ./gocore/tasks/archive:FuzzUnpack:15000x ./gocore/tasks/archive:FuzzFrame:600x
BENCH := GOSTITCH_LIBRARY=$(abspath build/bench/libfaults.so) PYTHONPATH=$(abspath python/tests):$(abspath build/bench):$(abspath examples) $(RUN) $(BIN)/python -m benchmarks
PEERS := benchmarks/peers

# The example of a user's project, a Go module of its own.
OWN := examples/own_functions
OWN_GO := $(abspath $(BIN))/python $(abspath python/native/toolchain.py) run env GOWORK=$(abspath build/go.work)

# Runs a part of the long tests, and keeps how it ended.
PART := $(BIN)/python -m benchmarks.part

README := PYTHONPATH=examples $(BIN)/python -m benchmarks.readme

NATIVE_SOURCES := $(wildcard python/native/*.py python/native/*.[ch] python/gostitch/build/_*.py) setup.py pyproject.toml
# Each generated module and the Go packages it comes from.
GENERATED := python/gostitch/tasks/_generated.py=./gocore/tasks/... \
  python/gostitch/observe/_generated.py=./gocore/observe \
  python/gostitch/operate/_generated.py=./gocore/operate \
  python/tests/faults.py=./gocore/internal/faults

.DEFAULT_GOAL := help
.PHONY: help dev build demo test test-long lint gen gen-check race pytest soak soak-calls soak-adversity test-nightly nightly-gc nightly-mutants nightly-hosts nightly-celery asan bench bench-quick profile readme events pictures wheel clean
.DELETE_ON_ERROR:

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "gostitch needs Python 3.10 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.tools: $(VENV)/.created requirements/build.txt python/native/toolchain.py python/gostitch/build/_toolchain.py
	$(PIP) -r requirements/build.txt
	@missing=$$($(BIN)/python python/native/toolchain.py missing); \
	if [ -n "$$missing" ]; then echo "installing $$missing into $(VENV)"; $(PIP) $$missing; fi
	touch $@

$(VENV)/.built: $(VENV)/.tools $(GO_SOURCES) $(NATIVE_SOURCES)
	$(PIP) --no-build-isolation --editable .
	touch $@

$(VENV)/.demo: $(VENV)/.created requirements/demo.txt
	$(PIP) -r requirements/demo.txt
	touch $@

$(VENV)/.test: $(VENV)/.created requirements/test.txt requirements/bench.txt requirements/demo.txt requirements/eventlet.txt
	$(PIP) -r requirements/test.txt
	$(PIP) --target $(VENV)/eventlet --upgrade -r requirements/eventlet.txt
	touch $@

$(VENV)/.engines: $(VENV)/.built $(VENV)/.test requirements/engines.txt
	$(PIP) -r requirements/engines.txt
	touch $@

# An environment of their own: some want other versions than the tests here.
$(VENV)/.frameworks: $(VENV)/.built requirements/frameworks.txt
	$(PYTHON) -m venv $(VENV)/frameworks
	$(VENV)/frameworks/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/frameworks.txt
	touch $@

# mod_wsgi is compiled against Apache: apache2 and apache2-dev on Debian.
$(VENV)/.hosts: $(VENV)/.test requirements/hosts.txt
	$(PIP) -r requirements/hosts.txt
	touch $@

$(VENV)/.wheel: $(VENV)/.tools requirements/wheel.txt
	$(PIP) -r requirements/wheel.txt
	touch $@

$(BIN)/staticcheck: $(VENV)/.tools
	GOBIN=$(abspath $(BIN)) $(GO) install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
	touch $@

dev: $(VENV)/.built $(VENV)/.test $(VENV)/.wheel $(BIN)/staticcheck ## Set up .venv with everything a developer needs

build: $(VENV)/.built ## Build the Go library and the C extension, in place

demo: $(VENV)/.built $(VENV)/.demo ## Run the example pipeline in Python and in Go, and compare
	$(BIN)/python -m examples.ci_pipeline --out out/demo

test: gen-check lint race pytest ## Everything but the long matrices

test-long: wheel $(VENV)/.test $(VENV)/.engines $(VENV)/.frameworks ## The long matrices: forks, traces, archives, fuzzing, readers of tables, frameworks, release wheels, installs on every supported CPython and on arm64
	GOSTITCH_LONG=1 $(BIN)/python -m pytest python/tests/fork python/tests/observe/test_trees.py
	GOSTITCH_LONG=1 $(GO) test -timeout 15m ./gocore/tasks/archive
	$(foreach of,$(FUZZ),$(GO) test $(word 1,$(subst :, ,$(of))) -run '^$$' -fuzz '^$(word 2,$(subst :, ,$(of)))$$' -fuzztime $(word 3,$(subst :, ,$(of))) -fuzzminimizetime 5x &&) true
	$(BIN)/python -m pytest python/tests/engines python/tests/frameworks
	PYTHONPATH=python/tests $(BIN)/python -m install_matrix

soak: soak-calls soak-adversity ## Both of these: nothing may grow, hang or be lost

soak-calls: $(VENV)/.built $(VENV)/.test ## Ten million mixed calls
	mkdir -p build/tests
	$(SHARED) -o build/tests/libfaults.so ./gocore/cmd/libfaults
	GOSTITCH_LIBRARY=$(abspath build/tests/libfaults.so) PYTHONPATH=python/tests $(PART) soak-calls $(BIN)/python -m soak --save benchmarks/results/soak.json

soak-adversity: $(VENV)/.built $(VENV)/.test ## Collections, failing allocations and starts of threads, at every place; methods in random order
	GOSTITCH_NIGHTLY=1 $(PART) soak-adversity $(BIN)/python -m pytest python/tests/adversity python/tests/abi/test_finalizers.py

test-nightly: nightly-gc nightly-mutants nightly-hosts nightly-celery ## What takes hours: all of these

nightly-gc: $(VENV)/.built $(VENV)/.test ## The tests of the boundary with a collection at every container
	GOSTITCH_GC_THRESHOLD=1 $(PART) nightly-gc $(BIN)/python -m pytest python/tests/abi python/tests/unit

nightly-mutants: nightly-mutants-1 nightly-mutants-2 nightly-mutants-3 ## A hundred faults made by hand: each is found by a test

nightly-mutants-%: $(VENV)/.built $(VENV)/.test
	PYTHONPATH=python/tests $(PART) $@ $(BIN)/python -m mutants --part $*/3

nightly-hosts: $(VENV)/.built $(VENV)/.hosts ## Each web server is stopped 40 times, idle and busy
	GOSTITCH_NIGHTLY=1 $(PART) nightly-hosts $(BIN)/python -m pytest python/tests/fork/test_stops.py -k "not celery"

nightly-celery: $(VENV)/.built $(VENV)/.test ## Celery is stopped 40 times, idle and busy
	GOSTITCH_NIGHTLY=1 $(PART) nightly-celery $(BIN)/python -m pytest python/tests/fork/test_stops.py -k celery

asan: $(VENV)/.built $(VENV)/.test ## The tests of the boundary under AddressSanitizer; needs gcc
	$(RUN) $(BIN)/python python/tests/asan

bench: $(VENV)/.bench build/bench/rust_peer.so ## Measure, and save the figures
	$(BENCH) --save

bench-quick: $(VENV)/.bench build/bench/rust_peer.so ## Measure in at most three minutes, without saving
	$(BENCH) --quick

$(VENV)/.bench: $(VENV)/.built requirements/bench.txt requirements/demo.txt $(wildcard $(PEERS)/golang/* $(PEERS)/fileserver/*)
	$(PIP) -r requirements/bench.txt
	mkdir -p build/bench
	$(SHARED) -o build/bench/libfaults.so ./gocore/cmd/libfaults
	$(SHARED) -o build/bench/libbare.so ./gocore/cmd/libbare
	$(SHARED) -o build/bench/libgolang.so ./$(PEERS)/golang
	$(GO) build -trimpath '-ldflags=-s -w' -o build/bench/fileserver ./$(PEERS)/fileserver
	touch $@

# Loaded by its plain name, for the interpreter of .venv alone.
build/bench/rust_peer.so: $(wildcard $(PEERS)/rust/Cargo.* $(PEERS)/rust/src/*) $(VENV)/.created
	@mkdir -p $(@D); \
	if ! command -v cargo >/dev/null; then echo "no cargo: measuring without PyO3"; exit; fi; \
	PYO3_PYTHON=$(abspath $(BIN)/python) PYO3_BUILD_EXTENSION_MODULE=1 \
	  cargo build --quiet --locked --release --manifest-path $(PEERS)/rust/Cargo.toml --target-dir build/bench/cargo && \
	  cp build/bench/cargo/release/librust_peer.so $@

profile: $(VENV)/.bench ## Take the profile that libraries are built with
	$(BENCH).profile $(abspath gocore/cmd/libgostitch/default.pgo)

readme: ## Write the README's figures from the last demo and the last benchmark
	$(README) --keep-demo

events: $(VENV)/.built $(VENV)/.test ## Write docs/events.md: events of Go's failures beside those of both Sentry SDKs
	mkdir -p build/tests
	$(SHARED) -o build/tests/libfaults.so ./gocore/cmd/libfaults
	GOSTITCH_LIBRARY=$(abspath build/tests/libfaults.so) PYTHONPATH=python/tests $(BIN)/python -m observe.events_page

pictures: $(VENV)/.built $(VENV)/.test ## Take the pictures of the docs, with a viewer of traces and one of Sentry events
	$(PYTHON) -m venv build/phoenix
	build/phoenix/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/pictures.txt
	mkdir -p build/tests
	$(SHARED) -o build/tests/libfaults.so ./gocore/cmd/libfaults
	GOSTITCH_LIBRARY=$(abspath build/tests/libfaults.so) PYTHONPATH=docs:python/tests $(BIN)/python -m pictures $(abspath build/phoenix/bin/phoenix)

wheel: $(VENV)/.wheel ## Build the sdist and the release wheels into dist/, and check them
	$(BIN)/python python/native/release.py

gen: $(VENV)/.tools ## Generate the typed Python modules from the Go source
	$(foreach of,$(GENERATED),$(GO) run ./gocore/cmd/gostitch-gen -out $(subst =, ,$(of)) &&) true

gen-check: $(VENV)/.tools ## Fail if a generated module is stale
	$(foreach of,$(GENERATED),$(GO) run ./gocore/cmd/gostitch-gen -check -out $(subst =, ,$(of)) &&) true

lint: $(VENV)/.built $(VENV)/.test $(BIN)/staticcheck ## gofmt, vet, staticcheck, ruff, mypy
	@unformatted=$$("$$($(GO) env GOROOT)/bin/gofmt" -l gocore benchmarks examples); \
	if [ -n "$$unformatted" ]; then echo "gofmt these: $$unformatted" >&2; exit 1; fi
	$(GO) vet -pgo=off ./...
	GOFLAGS=-pgo=off $(RUN) $(BIN)/staticcheck ./...
	@mkdir -p build; printf 'go 1.26.0\n\nuse (\n\t..\n\t../$(OWN)\n)\n' >build/go.work
	cd $(OWN) && $(OWN_GO) go vet ./... && $(OWN_GO) $(abspath $(BIN))/staticcheck ./...
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict python/gostitch examples/ci_pipeline benchmarks
	MYPYPATH=$(OWN)/python $(BIN)/mypy --strict $(OWN)/python $(OWN)/tests
	$(README) --check

race: $(VENV)/.tools ## Go tests under the race detector
	$(GO) test -race -timeout 10m ./...

pytest: $(VENV)/.built $(VENV)/.test $(VENV)/.wheel ## Python tests, some of the boundary again with a collection at every container
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal
	GOSTITCH_GC_THRESHOLD=1 $(BIN)/python -m pytest python/tests/abi/test_messages.py python/tests/abi/test_asyncio.py

clean: ## Remove everything that was built
	rm -rf $(VENV) build dist out python/gostitch.egg-info python/gostitch/*.so python/gostitch/*.so.debug python/gostitch/built-from.json
