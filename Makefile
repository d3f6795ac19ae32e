# SPDX-License-Identifier: BSD-2-Clause
# Builds, checks, runs and measures Socle. `make help` lists targets and variables.

CC        ?= gcc
ifeq ($(origin CC),default)
CC        := gcc
endif
DEBUG     ?= 0
CPU       ?= amd
SMP       ?= 2
MEM       ?= 2G
NIC       ?= e1000e
DISK      ?= none
BOOT      ?= usb
API_PORT  ?= 8443
HEADLESS  ?= 0
DEMO      ?= 1
CLAIM     ?= 1
QEMU      ?= qemu-system-x86_64

B         := build
V         ?= 0
Q         := $(if $(filter 1,$(V)),,@)
OBJ       := $(B)/obj
PYTHON    := /usr/bin/python3
export CPU SMP MEM NIC DISK BOOT API_PORT HEADLESS DEMO CLAIM QEMU SOCLE_FILES

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PRECIOUS: $(B)/guests/%.o $(B)/guests/lib/%.o $(OBJ)/%.o

# -- flags ------------------------------------------------------------------------------------------------

CC_INCLUDE  := $(shell $(CC) -print-file-name=include)
ARCH_CFLAGS := -std=gnu17 -ffreestanding -m64 -march=x86-64 -mno-red-zone -mgeneral-regs-only -mcmodel=kernel -fno-pic -fno-pie \
    -fno-omit-frame-pointer -fno-asynchronous-unwind-tables -fno-strict-aliasing -ffile-prefix-map=$(CURDIR)=.
WARNINGS    := -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Wmissing-prototypes \
    -Wstrict-prototypes -Wvla -Wundef -Wpointer-arith -Wwrite-strings -Wno-sign-compare
KERNEL_CFLAGS := $(subst gnu17,c17,$(ARCH_CFLAGS)) -D__SOCLE__ -O2 -g $(WARNINGS) -ffunction-sections -fdata-sections \
    -fstack-protector-strong -mstack-protector-guard=global -fno-builtin-printf -I. -I$(B)/gen

include tools/libs.mk
KERNEL_SRC :=
include core/module.mk mm/module.mk svm/module.mk vmx/module.mk drivers/module.mk mgmt/module.mk boot/module.mk

# stack-protector guard=global is gcc's spelling; clang takes the same option. Assembly knows neither.
KERNEL_OBJ := $(patsubst %,$(OBJ)/%.o,$(basename $(KERNEL_SRC)))
LIBS_OBJ   := $(patsubst $(D)/%.c,$(OBJ)/deps/%.o,$(LIBS_SRC))
LOADER_OBJ := $(patsubst %,$(OBJ)/%.o,$(basename $(LOADER_SRC))) $(patsubst %.c,$(OBJ)/loader/%.o,$(LOADER_SHARED)) \
    $(patsubst $(D)/%.c,$(OBJ)/loader/deps/%.o,$(FDT_SRC)) $(OBJ)/loader/lz4.o

GIT_ID  := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
VERSION := 0.1.0

include tools/socle/module.mk

# -- default goal -----------------------------------------------------------------------------------------

.PHONY: all
all: $(B)/BOOTX64.EFI $(B)/socle.img

# -- set-up -----------------------------------------------------------------------------------------------

.PHONY: setup setup-tests
setup setup-tests:
	tools/setup.sh $(if $(filter %-tests,$@),tests)
	tools/fetch_deps.sh
	tools/fetch_bochs.sh
	$(if $(filter %-tests,$@),tools/fetch_qemu.sh)

$(D)/.stamp: tools/deps.lock tools/npm.lock tools/fetch_deps.sh
	tools/fetch_deps.sh

# -- kernel -----------------------------------------------------------------------------------------------

$(B)/gen/asm_offsets.h: core/x86/asm_offsets.c $(wildcard core/*/*.h svm/*.h vmx/*.h) | $(D)/.stamp
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) -S -o $(@D)/asm_offsets.s $<
	sed -n 's/.*->\([A-Z0-9_]*\) [$$]*\([-0-9]*\).*/#define \1 \2/p' $(@D)/asm_offsets.s >$@

$(B)/gen/efifb_font.h: tools/gen_font.py | $(D)/.stamp
	@mkdir -p $(@D)
	$(Q)$(PYTHON) tools/gen_font.py $(D)/console-font/usr/share/consolefonts/Lat15-Fixed16.psf.gz >$@
$(OBJ)/drivers/console/efifb.o: $(B)/gen/efifb_font.h

# The web page's files, compressed.
$(B)/gen/web_assets.h: tools/gen_web.py $(wildcard mgmt/web/*) | $(D)/.stamp
	@mkdir -p $(@D)
	$(Q)$(PYTHON) tools/gen_web.py $(D) >$@
$(OBJ)/mgmt/api/api_web.o: $(B)/gen/web_assets.h

# The build's identity is data of its own, so that a new commit recompiles only what includes it. $$PPID, this make's
# number: another one may run beside it.
$(B)/gen/build_id.h: FORCE
	@mkdir -p $(@D)
	@printf '#define BUILD_VERSION "%s"\n#define BUILD_GIT "%s"\n#define BUILD_LINES %s\n' '$(VERSION)' '$(GIT_ID)' \
	    "$$(cat $(KERNEL_SRC) $(LOADER_SRC) | wc -l)" >$@.$$PPID
	@cmp -s $@.$$PPID $@ && rm $@.$$PPID || mv $@.$$PPID $@
.PHONY: FORCE
FORCE:

$(OBJ)/%.o: %.c $(B)/gen/asm_offsets.h | $(B)/gen/build_id.h $(D)/.stamp
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(KERNEL_CFLAGS) $(LIBS_INC) -MMD -MP -c -o $@ $<

$(OBJ)/%.o: %.S $(B)/gen/asm_offsets.h
	@mkdir -p $(@D)
	@echo "  AS   $<"
	$(Q)$(CC) -m64 -g -I. -I$(B)/gen -DHV_IMAGE='"$(B)/hv.packed"' -ffile-prefix-map=$(CURDIR)=. -Wa,--noexecstack -MMD -MP -c -o $@ $<

$(patsubst $(D)/%.c,$(OBJ)/deps/%.o,$(MBEDTLS_SMALL)): LIBS_CFLAGS := $(subst -O2,-Os,$(LIBS_CFLAGS))
$(patsubst $(D)/%.c,$(OBJ)/deps/%.o,$(MBEDTLS_SRC)): mgmt/port/mbedtls_config.h
$(OBJ)/deps/%.o: $(D)/%.c mgmt/port/lwipopts.h | $(D)/.stamp
	@mkdir -p $(@D)
	@echo "  LIB  $<"
	$(Q)$(CC) $(LIBS_CFLAGS) -I. $(LIBS_INC) -c -o $@ $<
$(sort $(LIBS_SRC) $(FDT_SRC) $(LZ4)/lz4.c): $(D)/.stamp ;

LDFLAGS := -m elf_x86_64 -nostdlib -static --gc-sections -z noexecstack -z max-page-size=4096 --no-warn-rwx-segments \
    --build-id=none -T linker.ld

# Two passes: the first link gives the addresses of the functions, the second one carries their names.
$(B)/hv.pass1.elf: $(KERNEL_OBJ) $(LIBS_OBJ) linker.ld $(OBJ)/gen/symbols_empty.o
	@echo "  LD   $@"
	$(Q)ld $(LDFLAGS) -o $@ $(KERNEL_OBJ) $(LIBS_OBJ) $(OBJ)/gen/symbols_empty.o
$(B)/gen/symbols_empty.S: tools/gen_symbols.py
	@mkdir -p $(@D)
	$(PYTHON) tools/gen_symbols.py </dev/null >$@
$(B)/gen/symbols.S: $(B)/hv.pass1.elf tools/gen_symbols.py
	nm -n $< | $(PYTHON) tools/gen_symbols.py >$@
$(OBJ)/gen/%.o: $(B)/gen/%.S
	@mkdir -p $(@D)
	$(CC) -c -Wa,--noexecstack -o $@ $<
$(B)/hv.elf: $(B)/hv.pass1.elf $(OBJ)/gen/symbols.o
	@echo "  LD   $@"
	$(Q)ld $(LDFLAGS) -o $@ $(KERNEL_OBJ) $(LIBS_OBJ) $(OBJ)/gen/symbols.o
$(B)/hv.stripped.elf: $(B)/hv.elf
	objcopy --strip-all --remove-section=.comment $< $@

# -- loader -----------------------------------------------------------------------------------------------

EFI_LIB    := $(D)/gnu-efi/usr/lib
EFI_CFLAGS := -std=gnu17 -m64 -mno-red-zone -mno-avx -fpic -fshort-wchar -fno-stack-protector -ffreestanding -maccumulate-outgoing-args \
    -DGNU_EFI_USE_MS_ABI -DEFI_FUNCTION_WRAPPER -O2 -Wall -Wextra -Werror -Wno-pointer-sign -Wmissing-prototypes -Wshadow \
    -ffile-prefix-map=$(CURDIR)=. -I. -I$(B)/gen -isystem $(D)/gnu-efi/usr/include/efi -isystem $(D)/gnu-efi/usr/include/efi/x86_64
ifneq ($(findstring clang,$(CC)),)
EFI_CFLAGS := $(filter-out -maccumulate-outgoing-args,$(EFI_CFLAGS))
endif

$(OBJ)/boot/efi_%.o: boot/efi_%.c | $(D)/.stamp
	@mkdir -p $(@D)
	@echo "  EFI  $<"
	$(Q)$(CC) $(EFI_CFLAGS) -MMD -MP -c -o $@ $<
# Pure code, without UEFI's headers; -D: gnu-efi brings memcpy and memset itself.
EFI_PURE_CFLAGS := $(EFI_CFLAGS) -Dmemcpy=loader_memcpy -Dmemset=loader_memset $(FDT_INC) $(LZ4_INC) $(LZ4_DEFS) \
    -nostdinc -isystem tools/libc -isystem $(CC_INCLUDE)
$(OBJ)/boot/elf_load.o $(OBJ)/boot/boot_files.o $(OBJ)/boot/hv_unpack.o: $(OBJ)/boot/%.o: boot/%.c | $(D)/.stamp
	@mkdir -p $(@D)
	@echo "  EFI  $<"
	$(Q)$(CC) $(EFI_PURE_CFLAGS) -MMD -MP -c -o $@ $<
$(OBJ)/loader/%.o: %.c | $(D)/.stamp
	@mkdir -p $(@D)
	@echo "  EFI  $<"
	$(Q)$(CC) $(EFI_PURE_CFLAGS) -MMD -MP -c -o $@ $<
$(OBJ)/loader/deps/%.o: $(D)/%.c | $(D)/.stamp
	@mkdir -p $(@D)
	@echo "  EFI  $<"
	$(Q)$(CC) $(EFI_PURE_CFLAGS) -ffunction-sections -w -c -o $@ $<
# Of the library only what unpacks.
$(OBJ)/loader/lz4.o: $(OBJ)/loader/deps/lz4/lib/lz4.o
	ld -r --gc-sections -u LZ4_decompress_safe -o $@ $<
$(OBJ)/boot/hv_blob.o: boot/hv_blob.S $(B)/hv.packed

# On the machine that builds: the library's own packer.
$(B)/hv_pack: tools/hv_pack.c boot/hv_unpack.h core/lib/sha256.c core/lib/sha256.h | $(D)/.stamp
	@mkdir -p $(@D)
	$(Q)gcc -O2 -Wall -Wextra -Werror -I. $(LZ4_INC) -o $@ $< core/lib/sha256.c $(LZ4)/lz4.c $(LZ4)/lz4hc.c
$(B)/hv.packed: $(B)/hv.stripped.elf $(B)/hv_pack
	$(B)/hv_pack $< $@

$(B)/loader.so: $(LOADER_OBJ)
	ld -nostdlib -znocombreloc -znoexecstack -shared -Bsymbolic --build-id=none --no-warn-rwx-segments -T $(EFI_LIB)/elf_x86_64_efi.lds \
	    $(EFI_LIB)/crt0-efi-x86_64.o $(LOADER_OBJ) -o $@ -L$(EFI_LIB) -lefi -lgnuefi
	@! nm -u $@ | grep . || { echo "loader.so has undefined symbols" >&2; exit 1; }

$(B)/BOOTX64.EFI: $(B)/loader.so
	objcopy -j .text -j .sdata -j .data -j .rodata -j .hv -j .dynamic -j .dynsym -j '.rel*' -j '.rela*' -j .reloc -j .areloc \
	    --output-target efi-app-x86_64 --subsystem=10 --file-alignment 512 --section-alignment 4096 $< $@
	$(PYTHON) tools/pe_stamp.py $@

# With a socle.dts the files it names go onto the image, too: whether they have changed is not known here.
$(B)/socle.img: $(B)/BOOTX64.EFI tools/mkimage.sh $(if $(wildcard socle.dts),socle.dts FORCE)
	tools/mkimage.sh $@ $<

# -- guests for tests and the demo ------------------------------------------------------------------------

GUEST_CFLAGS := -std=gnu17 -ffreestanding -m64 -O2 -mno-red-zone -mgeneral-regs-only -fno-pic -fno-pie -fno-stack-protector \
    -fno-asynchronous-unwind-tables -Wall -Wextra -Werror -I.
GUESTS := $(patsubst tests/guests/%.c,$(B)/guests/%.elf,$(wildcard tests/guests/*.c))
$(B)/guests/%.o: tests/guests/%.c $(wildcard tests/guests/lib/*.h)
	@mkdir -p $(@D)
	@echo "  GST  $<"
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<
$(B)/guests/lib/%.o: tests/guests/lib/%.c $(wildcard tests/guests/lib/*.h)
	@mkdir -p $(@D)
	@echo "  GST  $<"
	$(Q)gcc $(GUEST_CFLAGS) -c -o $@ $<
$(B)/guests/lib/%.o: tests/guests/lib/%.S
	@mkdir -p $(@D)
	$(CC) -m64 -c -o $@ $<
$(B)/guests/%.elf: $(B)/guests/%.o $(B)/guests/lib/start.o $(B)/guests/lib/guest.o $(B)/guests/lib/smp.o \
    $(B)/guests/lib/virtio.o tests/guests/lib/guest.ld
	$(Q)ld -n -static --build-id=none --no-warn-rwx-segments -T tests/guests/lib/guest.ld -o $@ $(filter %.o,$^)
.PHONY: guests
guests: $(GUESTS) $(B)/guest/vmlinuz $(B)/guest/initrd.img $(B)/guest/iperf.img $(B)/qemu_repair.so

# Preloaded into QEMU where it emulates the processor.
$(B)/qemu_repair.so: tools/qemu/repair.c
	@mkdir -p $(@D)
	@echo "  HOST $@"
	$(Q)gcc -std=gnu17 -Wall -Wextra -Werror -O2 -shared -fPIC -o $@ $<

$(B)/guest/vmlinuz $(B)/guest/modules/order &: tools/fetch_guest.sh
	tools/fetch_guest.sh $(B)/guest
$(B)/guest/initrd.img: tools/mkinitrd.sh $(B)/guest/modules/order | $(D)/.stamp
	tools/mkinitrd.sh $@
$(B)/prometheus/promtool: tools/fetch_prometheus.sh
	tools/fetch_prometheus.sh $(@D)
$(B)/guest/iperf.img: tools/fetch_iperf.sh
	tools/fetch_iperf.sh $@
$(B)/guest/fio.img: tools/fetch_fio.sh
	tools/fetch_fio.sh $@

# -- tools for datastores on this machine, of the kernel's code ----------------------------------------------

STORE_TOOL_SRC := $(wildcard tools/store/*.c core/store/*.c) core/lib/crc32c.c core/lib/crc32.c core/lib/str.c drivers/block/gpt.c \
    tests/fakes/assert.c
$(B)/socle-store: $(STORE_TOOL_SRC) $(wildcard tools/store/*.h core/store/*.h core/lib/*.h)
	@mkdir -p $(@D)
	@echo "  HOST $@"
	$(Q)gcc -std=gnu17 -O2 -g -Wall -Wextra -Werror -Wshadow -I. -o $@ $(STORE_TOOL_SRC)
.PHONY: store-tool
store-tool: $(B)/socle-store

# -- checks and tests -------------------------------------------------------------------------------------

UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(B)/unit/%,$(UNIT_SRC))
UNIT_CFLAGS := -std=gnu17 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -Wall -Wextra -Werror \
    -Itests/fakes -I. -I$(B)/gen

# A test links the sources its comment "SOURCES:" names, on one line or several. Each is compiled once for all of them.
SOURCES = $$(sed -n '/SOURCES:/,/\*\//{/\*\//{s,\*/.*,,;s,.*SOURCES:,,;s,^ \*,,;p;q};s,.*SOURCES:,,;s,^ \*,,;p}' $<)
$(B)/unit/obj/%.o: %.c | $(B)/gen/build_id.h $(D)/.stamp
	@mkdir -p $(@D)
	@echo "  UNIT $<"
	$(Q)gcc $(UNIT_CFLAGS) $(LIBS_INC) -MMD -MP -c -o $@ $<
$(UNIT_BIN):
	$(Q)gcc $(UNIT_CFLAGS) -o $@ $^
ifneq ($(filter unit $(B)/unit/%,$(MAKECMDGOALS)),)
$(B)/gen/unit.mk: $(UNIT_SRC) tools/unit_rules.sh | $(D)/.stamp
	@mkdir -p $(@D)
	@tools/unit_rules.sh $(B) $(UNIT_SRC) >$@
include $(B)/gen/unit.mk
-include $(shell find $(B)/unit/obj -name '*.d' 2>/dev/null)
endif

.PHONY: unit
unit: $(UNIT_BIN)
	@tools/run_unit.sh $(UNIT_BIN)

# Pure modules compiled for this machine, for `make bench`.
$(B)/bench/%: tests/bench/%.c FORCE
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)gcc $(filter-out -fsanitize% -fno-sanitize% -O1,$(UNIT_CFLAGS)) -O2 -o $@ $< \
	    $(SOURCES)

# Threads under ThreadSanitizer, with the real locks. setarch: the sanitizer wants addresses where it knows them.
RACE_BIN := $(patsubst tests/race/%.c,$(B)/race/%,$(wildcard tests/race/race_*.c))
RACE_CFLAGS := -std=gnu17 -g -O1 -fsanitize=thread -Wno-tsan -fno-omit-frame-pointer -Wall -Wextra -Itests/race/fakes -I. -I$(B)/gen
$(B)/race/%: tests/race/%.c tests/race/race.c tests/race/race.h FORCE | $(D)/.stamp
	@mkdir -p $(@D)
	@echo "  RACE $<"
	$(Q)gcc $(RACE_CFLAGS) -o $@ $< tests/race/race.c tests/unit/harness.c core/x86/lockrank.c \
	    $(SOURCES) -lpthread
.PHONY: tsan
tsan: $(RACE_BIN)
	@TSAN_OPTIONS=halt_on_error=1 setarch -R tools/run_unit.sh $(RACE_BIN)

# Coverage-guided fuzzing of parsers of hostile input; FUZZ_SECONDS each.
FUZZ_SECONDS ?= 30
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/*.c))
$(B)/fuzz/%: tests/fuzz/%.c FORCE | $(D)/.stamp
	@mkdir -p $(@D)
	@echo "  FUZZ $<"
	$(Q)clang -std=gnu17 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Itests/fakes -I. -I$(B)/gen \
	    $(LIBS_INC) -o $@ $< $(SOURCES)
.PHONY: fuzz
fuzz: $(FUZZ_BIN)
	@for t in $(FUZZ_BIN); do echo "$$t"; $$t -max_total_time=$(FUZZ_SECONDS) -max_len=16384 -verbosity=0 -print_final_stats=1 || exit 1; done

.PHONY: check
check: $(D)/.stamp $(KERNEL_OBJ) $(LIBS_OBJ)
	$(PYTHON) tools/check_layers.py
	tools/check_style.sh
	tools/check_headers.sh

.PHONY: clang
clang:
	$(MAKE) CC=clang B=$(B)/clang D=$(D) $(B)/clang/hv.elf $(B)/clang/socle-cli/socle

.PHONY: test test-all
test test-all: setup-tests
	@tools/need.sh
	$(MAKE) all guests
	$(MAKE) check unit tsan clang
	$(MAKE) system ARGS="$(if $(filter test-all,$@),--slow) $(ARGS)"

# What the tests boot checks the order of its locks; all else is as in the image that `make` builds.
.PHONY: test-image
test-image:
	$(MAKE) DEBUG=1 B=$(B)/debug D=$(D) all

.PHONY: system
system: all guests $(B)/guest/fio.img $(B)/prometheus/promtool test-image store-tool
	@tools/fetch_bochs.sh
	SOCLE_IMAGES=$(CURDIR)/$(B)/debug $(PYTHON) -m pytest -q -p no:cacheprovider -rs --durations=25 tests/system $(ARGS)

# -- running ----------------------------------------------------------------------------------------------

.PHONY: run run-gdb bench size
run: setup
	@tools/need.sh
	@$(MAKE) --no-print-directory all guests
	@exec $(PYTHON) tools/run.py

run-gdb: setup
	@tools/need.sh
	@$(MAKE) --no-print-directory all guests
	@exec env GDB=1 $(PYTHON) tools/run.py

bench: setup
	@tools/need.sh
	@$(MAKE) --no-print-directory all guests store-tool $(B)/bench/sched_cost
	$(PYTHON) tools/bench.py

size: $(B)/hv.elf $(B)/BOOTX64.EFI
	@size -A $(B)/hv.elf | awk '/^\.(text|rodata|data|bss)/ { print $$1, $$2 }'; wc -c $(B)/BOOTX64.EFI

.PHONY: clean help
clean:
	rm -rf $(B)

help:
	@sed -n 's/^## *//p' $(firstword $(MAKEFILE_LIST))

## Targets
##   make               build/BOOTX64.EFI (one file to boot) and build/socle.img (USB image)
##   make store-tool    build/socle-store: make, list, check, repair and fill datastores in files
##   make run           set up, build, boot an emulator with a demo Linux guest, print the URL; Ctrl-C ends it
##   make run-gdb       the same, QEMU waits for gdb on port 1234 (symbols: build/hv.elf)
##   make test          set up, build, run every check and every test (under Bochs Linux on two of three CPU models)
##   make test-all      and Linux on the third
##   make check         layout, layers, headers
##   make unit          host unit tests with ASan and UBSan
##   make tsan          modules in many threads, under ThreadSanitizer
##   make fuzz          fuzz the parsers, FUZZ_SECONDS=30 each
##   make system        system tests under QEMU or Bochs; ARGS="-k linux" picks some
##   make clang         build the kernel and the command line with clang too
##   make cli           build/socle-cli/socle, the command line for the administrator's machine; part of make
##   make deb           the same as a Debian package, build/socle-cli/socle_*.deb
##   make bench         speed and size table, counted in instructions and bytes
##   make size          sections of the kernel, size of the image
##   make setup         install Debian packages, fetch pinned libraries
##   make clean         remove build/ (downloads stay in ~/.cache/socle)
## Variables
##   CPU=amd|intel      processor of the machine; intel: Bochs, unless KVM has nested VT-x, BOOT=usb only
##   SMP=2 MEM=2G       its CPUs and memory
##   NIC=e1000e|e1000|igb|virtio  its network card: 82574L, 82540EM, 82576 (QEMU 8.0 and later), virtio-net
##   DISK=none          its disk besides the stick: nvme, ahci or virtio; build/disk.img, made if it is not there
##   BOOT=usb|pxe       how the firmware loads the image
##   API_PORT=8443      port on 127.0.0.1 that leads to the REST endpoint
##   HEADLESS=1         do not take over the terminal; DEMO=0: start no demo guest; CLAIM=0: that neither, and leave the
##                      host to be claimed by you
##   QEMU=path          another QEMU
##   SOCLE_FILES=folder where the files are that socle.dts names under /images (default: here)
##   CC=gcc|clang       compiler; DEBUG=1: check the order of locks at run time, as what the tests
##                      boot does; V=1: show the commands

-include $(KERNEL_OBJ:.o=.d) $(LOADER_OBJ:.o=.d)
