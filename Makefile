# fecit -- `make help` lists the targets.

VERSION := 0.1.0
BUILD   ?= build
PREFIX  ?= /usr/local
CC      ?= cc
CXX     ?= c++
OPT     ?= -O2 -g
PKG     := icu-uc icu-i18n OpenCL libxxhash simdjson msgpack
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Werror
COMMON  := $(OPT) $(WARN) -fPIC -pthread -MMD -MP -Ihost -DCL_TARGET_OPENCL_VERSION=120 \
           -DFECIT_VERSION='"$(VERSION)"' -DFECIT_SHARE='"$(PREFIX)/share/fecit"' $(SAN)
CFLAGS_   = -std=c11 -D_GNU_SOURCE $(COMMON) $(CFLAGS)
CXXFLAGS_ = -std=c++17 -fno-rtti $(COMMON) $(CXXFLAGS)
LIBS    := -licuuc -licui18n -licudata -lOpenCL -lxxhash -lsimdjson -lcld2 -lm -lstdc++

Q := @
ifeq ($(V),1)
Q :=
endif

# The library in the order the data flows, then what trains it, then the program.
STATIONS := source text segment language vocabulary tokens tensors model device program \
            batch ops_cpu ops_cl sieve results records score api
HOST := $(wildcard host/base/*.c host/base/*.cc host/source/*.c) \
        $(foreach s,$(STATIONS),$(wildcard host/$(s).c host/$(s).cc)) \
        $(wildcard host/train/*.c)
CLI  := $(wildcard host/cli/*.c)
KERNELS := $(wildcard kernels/*.h kernels/*.cl)

objects = $(patsubst %,$(BUILD)/%.o,$(1))
LIB_OBJECTS := $(call objects,$(HOST)) $(BUILD)/kernels.o
CLI_OBJECTS := $(call objects,$(CLI))

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

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all help
.SECONDARY:
