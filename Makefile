# fecit -- `make help` lists the targets.

VERSION := 0.1.0
BUILD   ?= build
PREFIX  ?= /usr/local
BENCH_PYTHON ?= python3
CC      ?= cc
CXX     ?= c++
OPT     ?= -O2 -g

WARN    := -Wall -Wextra -Wpedantic -Wshadow -Werror
COMMON  := $(OPT) $(WARN) -fPIC -pthread -MMD -MP -Ihost -DCL_TARGET_OPENCL_VERSION=120 \
           -DFECIT_VERSION='"$(VERSION)"' -DFECIT_SHARE='"$(PREFIX)/share/fecit"' $(SAN)
CFLAGS_   = -std=c11 -D_GNU_SOURCE $(COMMON) $(CFLAGS)
CXXFLAGS_ = -std=c++17 -fno-rtti $(COMMON) $(CXXFLAGS)
LIBS    := -licuuc -licui18n -licudata -lOpenCL -lxxhash -lsimdjson -lcld2 -lmsgpackc -lm -lstdc++

Q := @
ifeq ($(V),1)
Q :=
endif

# The library in the order the data flows, then what trains it, then the program.
STATIONS := text source segment_rules segment_join segment_wrap segment segment_words language tensors vocabulary clean tokens parcel feed device \
            program tune batch ops ops_cpu ops_cl sieve ops_encoder ops_cpu_encoder ops_cl_encoder \
            reading reader reader_cpu model_file model_answers model_encoder model_reader model engine verdict cascade window results results_pack records \
            verify score_facts score api
HOST := $(wildcard host/base/*.c host/base/*.cc host/source/*.c) \
        $(foreach s,$(STATIONS),$(wildcard host/$(s).c host/$(s).cc)) \
        $(wildcard host/train/*.c)
CLI  := $(wildcard host/cli/*.c)
KERNELS := $(wildcard kernels/*.h kernels/*.cl)

objects = $(patsubst %,$(BUILD)/%.o,$(1))
LIB_OBJECTS := $(call objects,$(HOST)) $(BUILD)/kernels.o
CLI_OBJECTS := $(call objects,$(CLI))

## all      build ./fecit and libfecit.a (what plain `make` does)
all: fecit libfecit.a

## help     this list
help:
	@echo "fecit $(VERSION)"; sed -n 's/^## /  make /p' $(MAKEFILE_LIST)

fecit: $(CLI_OBJECTS) $(BUILD)/libfecit.a
	$(Q)echo "  link  $@"; $(CXX) $(OPT) $(SAN) -pthread -o $@ $^ $(LIBS) $(LDFLAGS)

libfecit.a: $(BUILD)/libfecit.a
	$(Q)cp $< $@

$(BUILD)/libfecit.a: $(LIB_OBJECTS)
	$(Q)rm -f $@; ar rcs $@ $^

$(BUILD)/%.c.o: %.c
	$(Q)mkdir -p $(@D); echo "  cc    $<"; $(CC) $(CFLAGS_) -c -o $@ $<

$(BUILD)/%.cc.o: %.cc
	$(Q)mkdir -p $(@D); echo "  c++   $<"; $(CXX) $(CXXFLAGS_) -c -o $@ $<

# The kernel sources travel inside the program: one C array for each file.
$(BUILD)/kernels.c: $(KERNELS) kernels/embed.sh
	$(Q)mkdir -p $(@D); sh kernels/embed.sh $(KERNELS) > $@.tmp && mv $@.tmp $@

$(BUILD)/kernels.o: $(BUILD)/kernels.c
	$(Q)$(CC) $(CFLAGS_) -c -o $@ $<

# tests/unit/test_x.c -> $(BUILD)/tests/unit/test_x, likewise tests/kernels and tools
$(BUILD)/tests/%: tests/%.c $(BUILD)/libfecit.a
	$(Q)mkdir -p $(@D); echo "  cc    $<"; \
	$(CC) $(CFLAGS_) -Itests -o $@ $< $(BUILD)/libfecit.a -lcmocka $(LIBS) $(LDFLAGS)

# Stands before the real OpenCL and fails when told to (tests/cli/device_fails.sh).
$(BUILD)/tests/failing_opencl.so: tests/failing_opencl.c
	$(Q)mkdir -p $(@D); echo "  cc    $<"; \
	$(CC) $(filter-out -fsanitize%,$(CFLAGS_)) -shared -o $@ $< -ldl

UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c tests/kernels/test_*.c))
TOOLS      := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/tool_*.c))

## run      install what is needed, build, score the bundled sample, show what was found
run: setup
	$(Q)$(MAKE) --no-print-directory all
	$(Q)./fecit devices
	$(Q)./fecit score datasets/sample -o out/sample --force
	$(Q)./fecit show out/sample --sort p
	@echo; echo "The results lie in out/sample (docs/results_format.md); show them again with"; \
	echo "  ./fecit show out/sample"

## setup    install the Debian packages that building needs
setup:
	$(Q)sh setup.sh build

## test     install what is needed, build, run every test
test:
	$(Q)sh setup.sh build test
	$(Q)$(MAKE) --no-print-directory all tests
	$(Q)BUILD=$(BUILD) sh tests/run.sh

tests: $(UNIT_TESTS) $(TOOLS) $(BUILD)/tests/failing_opencl.so

## test-sanitize  the unit and kernel tests under ASan and UBSan, the pipeline under TSan
test-sanitize:
	$(Q)sh setup.sh build test
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/asan OPT='-O1 -g -Wno-format-truncation' \
	    SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined' tests
	$(Q)BUILD=$(BUILD)/asan LSAN_OPTIONS=suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0 \
	    sh tests/run.sh unit kernels
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan OPT='-O1 -g -Wno-format-truncation' SAN='-fsanitize=thread' \
	    $(BUILD)/tsan/tests/unit/test_feed
	$(Q)BUILD=$(BUILD)/tsan sh tests/run.sh unit

## lint     room rules, formatting, cppcheck, warnings of gcc and clang
lint:
	$(Q)sh setup.sh build lint
	$(Q)sh tests/rooms.sh
	$(Q)clang-format --dry-run --Werror $(wildcard host/*.[ch] host/*/*.[ch] host/*.cc host/*/*.cc \
	    kernels/*.h kernels/*.cl tests/*.[ch] tests/*/*.[ch] bench/*.[ch])
	$(Q)cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -Ihost \
	    --enable=warning,portability --suppress=missingIncludeSystem \
	    --suppress=normalCheckLevelMaxBranches $(wildcard host/*.c host/*/*.c)
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/clang CC=clang CXX=clang++ OPT='-O1' \
	    $(BUILD)/clang/libfecit.a
	@echo lint: clean

## bench    speed against peers in the same run; BENCH_PYTHON=python3 may name one with PyTorch
bench:
	$(Q)sh setup.sh build bench
	$(Q)$(MAKE) --no-print-directory all benches
	$(Q)$(BUILD)/bench/bench_reader
	$(Q)$(BENCH_PYTHON) bench/peers_reader.py --build $(BUILD)
	$(Q)python3 bench/run.py --build $(BUILD) $(BENCH_TEXT)

benches: $(patsubst %.c,$(BUILD)/%,$(wildcard bench/*.c))

$(BUILD)/bench/%: bench/%.c $(BUILD)/libfecit.a
	$(Q)mkdir -p $(@D); echo "  cc    $<"; \
	$(CC) $(CFLAGS_) -o $@ $< $(BUILD)/libfecit.a $(LIBS) $(LDFLAGS)

$(BUILD)/bench/bench_reader: LDFLAGS += -lopenblas

## check-device   known answers, kernel tests and bench on the device that is there
check-device: all tests benches
	$(Q)./fecit devices && ./fecit doctor
	$(Q)BUILD=$(BUILD) sh tests/run.sh kernels
	$(Q)./fecit bench
	$(Q)for b in $(BUILD)/bench/bench_kernels $(BUILD)/bench/bench_reader; do $$b; done

## install  PREFIX=/usr/local: program, library, header, models
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include \
	    $(DESTDIR)$(PREFIX)/share/fecit/models
	install -m 755 fecit $(DESTDIR)$(PREFIX)/bin/fecit
	install -m 644 libfecit.a $(DESTDIR)$(PREFIX)/lib/libfecit.a
	install -m 644 host/fecit.h $(DESTDIR)$(PREFIX)/include/fecit.h
	install -m 644 models/*.safetensors models/card.md $(DESTDIR)$(PREFIX)/share/fecit/models/

## clean    remove what was built
clean:
	rm -rf $(BUILD) fecit libfecit.a

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all help run setup test tests test-sanitize lint bench benches check-device install clean
.SECONDARY:
