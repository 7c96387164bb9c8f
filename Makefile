# Everything that a working copy takes. `make` alone explains the targets.

PATH := $(CURDIR)/node_modules/.bin:$(PATH)
export PATH
MAKEFLAGS += --no-print-directory
FUZZ_SECONDS ?= 600
FUZZ_TIMEOUT_MS = $(shell expr \( $(FUZZ_SECONDS) + 60 \) \* 1000)

# The steps install packages and write into the same folders; running them side by side gains nothing.
.NOTPARALLEL:
.PHONY: help quickstart build shim shims test test-live test-versions bench fuzz format generate clean prerequisites

help:
	@echo 'pgturret: PostgreSQL as a structured event source'
	@echo
	@echo '  make quickstart   see it work: a throw-away PostgreSQL, its errors and events on this terminal'
	@echo '                    (QUICKSTART_SECONDS=20 ends by itself; else Ctrl-C)'
	@echo '  make build        dist/pgturret, and shim/pgturret.so where the PostgreSQL server headers are'
	@echo '                    (PG_CONFIG=/path/to/pg_config picks the PostgreSQL to build against)'
	@echo '  make shims        the module for every PostgreSQL and processor whose headers can be had (ONLY=17 picks one);'
	@echo '                    the next build embeds them, for `pgturret shim install` without a compiler'
	@echo '  make test         everything that CI runs: format, lint, types, shim, unit, end to end'
	@echo '  make test-live    the tests that need real servers (S3, Kafka, a collector …), after installing all of those'
	@echo '  make test-versions'
	@echo '                    the shim on every PostgreSQL from 13 to 19 that can be had (ONLY=17 picks one),'
	@echo '                    and on one built with assertions (ONLY=cassert)'
	@echo '  make format       format the sources and apply safe lint fixes'
	@echo '  make generate     write the generated files (reference pages, schemas, lists) again'
	@echo '  make bench        side-by-side benchmarks: ratios and medians'
	@echo '  make fuzz         fuzz the decoder for longer than `make test` does (FUZZ_SECONDS=$(FUZZ_SECONDS))'
	@echo '  make clean        remove what was built; node_modules stays'
	@echo
	@echo 'A fresh Debian needs git, make and nodejs/npm; npm brings Bun. What else is missing (a C compiler, PostgreSQL,'
	@echo 'its server headers) is installed by apt when you are root, else the command for it is printed.'

quickstart: prerequisites build
	@exec bun scripts/quickstart.ts

build: node_modules/.package-lock.json
	@$(MAKE) shim
	@bun scripts/compile.ts

shim:
	@if pg_config=$$(sh scripts/prerequisites.sh --pg-config); \
	then $(MAKE) -s -C shim PG_CONFIG="$$pg_config" && echo "shim/pgturret.so  for $$($$pg_config --version)"; \
	else echo 'make: skipping the shim' >&2; sh scripts/prerequisites.sh --optional; fi

shims: node_modules/.package-lock.json
	@exec bun scripts/shims.ts $(addprefix --only ,$(ONLY))

test: prerequisites node_modules/.package-lock.json
	@sh scripts/prerequisites.sh --tests
	@exec bun scripts/check.ts

test-live: prerequisites node_modules/.package-lock.json
	@exec bun scripts/check.ts --live

test-versions: prerequisites build
	@exec bun scripts/versions.ts $(addprefix --only ,$(ONLY))

bench: prerequisites build
	@exec bun bench/main.ts

fuzz: node_modules/.package-lock.json
	@FUZZ_SECONDS=$(FUZZ_SECONDS) exec bun test tests/fuzz --timeout $(FUZZ_TIMEOUT_MS)

format: node_modules/.package-lock.json
	@exec biome check --write .

generate: node_modules/.package-lock.json
	@exec bun scripts/generate.ts

clean:
	@rm -rf dist
	@if pg_config=$$(sh scripts/prerequisites.sh --pg-config); then $(MAKE) -s -C shim PG_CONFIG="$$pg_config" clean; fi

prerequisites:
	@sh scripts/prerequisites.sh

# npm writes this file last; it is older than package-lock.json when an install is due.
node_modules/.package-lock.json: package-lock.json
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@
