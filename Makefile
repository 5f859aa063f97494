# What a developer types; `make` alone lists it.
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 30
export JOBS

release := build/release
maoocr := $(release)/src/apps/maoocr
sources = find src tests tools -name '*.h' -print0 -o -name '*.cc' -print0
released_size := build/released-size
export LLAMA_BIN TORCH
make_released_size = test -d $(released_size) || $(release)/tools/maoocr-make-checkpoint \
  tests/fixtures/checkpoints/deepseek-ocr-released/config.json \
  build/tokenizers/deepseek_v3.json $(released_size)
# $(call configure,PRESET): quietly, unless it fails.
configure = mkdir -p build && cmake --preset $(1) > build/configure.log 2>&1 || \
            { cat build/configure.log; exit 1; }

.PHONY: help
help:
	@echo 'make run                build the program and read samples/page.png with it'
	@echo 'make build              build the program'
	@echo 'make test               build and run all tests'
	@echo 'make test-sanitized     the same with address and undefined-behaviour sanitizers'
	@echo 'make test-full          the model at its released size (synthetic weights, 6.7 GB of disk)'
	@echo 'make bench-peers        our speed beside that of llama.cpp (LLAMA_BIN=its folder) and of PyTorch'
	@echo '                        (TORCH=a Python that has it), at the released size, and the floors of the machine'
	@echo 'make coverage           which lines the tests run'
	@echo 'make fuzz               every fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS)'
	@echo 'make format             clang-format; make check-format only looks'
	@echo 'make tidy               clang-tidy'
	@echo 'make install-packages   the Debian packages for all of these, from packages.txt'
	@echo 'make clean              take all builds away'

.PHONY: run
run: build
	@echo '> $(maoocr) ocr samples/page.png'
	@$(maoocr) ocr samples/page.png

.PHONY: build
build:
	@tools/install_packages.sh build
	@$(call configure,release)
	@cmake --build --preset release -j $(JOBS) --target maoocr

.PHONY: test
test:
	@tools/install_packages.sh build test
	@$(call configure,release)
	@cmake --build --preset release -j $(JOBS)
	@ctest --preset release -j $(JOBS)

.PHONY: test-sanitized
test-sanitized:
	@tools/install_packages.sh build test
	@$(call configure,dev)
	@cmake --build --preset dev -j $(JOBS)
	@ctest --preset dev -j $(JOBS)

.PHONY: test-full
test-full:
	@tools/install_packages.sh build test
	@$(call configure,release)
	@cmake --build --preset release -j $(JOBS) --target maoocr-make-checkpoint released_size_test
	@tools/fetch_tokenizers.sh
	@$(make_released_size)
	@$(release)/src/models/released_size_test

.PHONY: bench-peers
bench-peers:
	@tools/install_packages.sh build
	@$(call configure,release)
	@cmake --build --preset release -j $(JOBS) --target maoocr maoocr-make-checkpoint maoocr-bench \
	  maoocr-bench-floors maoocr-make-gguf
	@tools/fetch_tokenizers.sh
	@$(make_released_size)
	@node tools/bench_peers.mjs

.PHONY: coverage
coverage:
	@tools/install_packages.sh build test develop
	@tools/coverage.sh

.PHONY: fuzz
fuzz:
	@tools/install_packages.sh build develop
	@tools/run_fuzzers.sh $(FUZZ_SECONDS)

.PHONY: format
format:
	@tools/install_packages.sh develop
	@$(sources) | xargs -0 clang-format-14 -i

.PHONY: check-format
check-format:
	@tools/install_packages.sh develop
	@$(sources) | xargs -0 clang-format-14 --dry-run -Werror

.PHONY: tidy
tidy:
	@tools/install_packages.sh build develop
	@tools/tidy.sh

.PHONY: install-packages
install-packages:
	@tools/install_packages.sh build test develop

.PHONY: clean
clean:
	@rm -rf build
