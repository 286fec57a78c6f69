# SPDX-License-Identifier: GPL-2.0
# `make help` lists the targets.

BUILD := build
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = @$(if $(filter 1,$(V)),:,printf '  %-8s %s\n' "$(1)" "$(2)")
first = $(firstword $(foreach p,$(1),$(if $(shell command -v $(p)),$(p))))

# clang >= 14; 19 makes clearly faster BPF code.
CLANG ?= $(call first,clang-19 clang)
LLVM_STRIP ?= $(call first,$(subst clang,llvm-strip,$(CLANG)) llvm-strip)
BPFTOOL ?= $(call first,bpftool /usr/sbin/bpftool)
PKG_CONFIG ?= pkg-config

WARN := -Wall -Wextra -Werror
INCLUDES := -Ibpf -Iuserspace -I$(BUILD)
CFLAGS ?= -O2 -g
HARDEN := -fPIE -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2
SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
# Headers are written as 16-bit words and summed as 32-bit ones: without the last flag clang 14
# sums an IPv4 header before it has written it.
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g $(WARN) -Ibpf -fno-strict-aliasing

PKGS := libbpf libxdp libssl libcrypto inih libseccomp libcap-ng libsystemd
PKGS += $(if $(shell grep -ls microhttpd.h userspace/*.c),libmicrohttpd)
PKG_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(PKGS))
LIBS = -Wl,--as-needed $(shell $(PKG_CONFIG) --libs $(PKGS)) -lm
DEPS = -MMD -MP -MF $@.d -MT $@
CMOCKA = $(shell $(PKG_CONFIG) --libs cmocka)

PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/xnts
DATADIR ?= $(PREFIX)/share/xnts
UNITDIR ?= /etc/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
SUITES ?= unit ct prog_run netns fuzz lint vm

MAINS := xntsd xnts
SRCS := $(wildcard userspace/*.c)
PARTS := $(filter-out $(MAINS:%=userspace/%.c),$(SRCS))
PROGRAMS := $(patsubst userspace/%.c,$(BUILD)/%,$(wildcard $(MAINS:%=userspace/%.c)))
OBJECT := $(patsubst bpf/%.c,$(BUILD)/%.o,$(wildcard bpf/*.bpf.c))
SKEL := $(OBJECT:.bpf.o=.skel.h)
TESTS := $(patsubst selftests/%.c,$(BUILD)/%,$(wildcard selftests/unit/test_*.c selftests/prog_run/test_*.c))
FUZZERS := $(patsubst selftests/%.c,$(BUILD)/%,$(wildcard selftests/fuzz/fuzz_*.c))
COVERERS := $(patsubst selftests/%.c,$(BUILD)/coverage/%,selftests/fuzz/fuzz_packet.c \
	$(shell grep -slE '"(\.\./)?(host_target|aes|cookie)\.h"' selftests/unit/*.c))
BENCHES := $(patsubst selftests/%.c,$(BUILD)/%,$(wildcard selftests/bench/bench_*.c))
LOAD := $(BUILD)/load/load $(BUILD)/load/watch
PRELOADS := $(patsubst selftests/%.c,$(BUILD)/%.so,$(wildcard selftests/*/*.preload.c))
TEST_BPF := $(patsubst selftests/%.c,$(BUILD)/%.o,$(wildcard selftests/*/*.bpf.c))
NEXT := $(BUILD)/next
MANPAGES := $(wildcard userspace/*.[1-8])

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all run check vmtest fuzz coverage bench race install uninstall deb clean help deps tests soak

all: $(OBJECT) $(PROGRAMS)

help:
	@echo 'sudo make deps            install what is missing to build and test'
	@echo 'make                      build the program and the daemon into $(BUILD)/'
	@echo 'sudo make run             playground: a chronyd client gets NTS time over veth (ONCE=1: then end)'
	@echo 'sudo make run IFACE=eth0  serve on a real interface'
	@echo 'sudo make check           all tests (SUITES="$(SUITES)")'
	@echo 'sudo make vmtest          those that depend on the kernel, on the kernels of selftests/vm/test_kernels.sh'
	@echo 'sudo make fuzz            fuzz each harness for FUZZ_SECONDS (60), both builds side by side with FUZZ_PACKETS (1000000)'
	@echo 'make coverage             which lines of bpf/ the unit tests and the fuzzing corpus run'
	@echo 'sudo make soak            everything at once for MIN (20) minutes, and an account'
	@echo 'sudo make bench           benchmarks'
	@echo 'sudo make race            xnts, chronyd and ntpd-rs on one core each: $(BUILD)/race/ (ROUNDS=3)'
	@echo 'sudo make install         to PREFIX=$(PREFIX), the unit to UNITDIR=$(UNITDIR); also: uninstall'
	@echo 'make deb                  a Debian package of them, in $(BUILD)/'
	@echo 'make clean                remove $(BUILD)/'
	@echo 'V=1 shows the commands.'

# ---- BPF -------------------------------------------------------------------

# DWARF goes, BTF stays.
$(BUILD)/%.bpf.o: bpf/%.bpf.c | $(BUILD)
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) $(DEPS) -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

$(BUILD)/%.bpf.o: selftests/%.bpf.c
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) $(DEPS) -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $(notdir $*)_bpf > $@

# ---- programs --------------------------------------------------------------

# An archive, so that each program carries only the parts it uses.
$(BUILD)/obj/%.o: userspace/%.c $(SKEL)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARN) $(INCLUDES) $(PKG_CFLAGS) $(HARDEN) $(CFLAGS) $(DEPS) -c $< -o $@

$(BUILD)/libxnts.a: $(PARTS:userspace/%.c=$(BUILD)/obj/%.o) | $(BUILD)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(MAINS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/obj/%.o $(BUILD)/libxnts.a
	$(call say,LINK,$@)
	$(Q)$(CC) -pie -Wl,-z,relro,-z,now $(LDFLAGS) $^ $(LIBS) -o $@

# ---- tests -----------------------------------------------------------------

TEST_CFLAGS = -std=gnu11 $(WARN) $(INCLUDES) $(PKG_CFLAGS) $(SANITIZE)

tests: all $(TESTS) $(FUZZERS) $(TEST_BPF) $(PRELOADS) $(NEXT)/build/xntsd $(LOAD)

$(BUILD)/sanitized/%.o: userspace/%.c $(SKEL)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(TEST_CFLAGS) $(DEPS) -c $< -o $@

$(BUILD)/sanitized/libxnts.a: $(PARTS:userspace/%.c=$(BUILD)/sanitized/%.o)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# Object and program apart, so that a compiler cache has a say.
$(TESTS:=.o): $(BUILD)/%.o: selftests/%.c $(SKEL)
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(TEST_CFLAGS) $(DEPS) -c $< -o $@

$(TESTS): %: %.o $(BUILD)/sanitized/libxnts.a
	$(Q)$(CC) $(TEST_CFLAGS) $< $(BUILD)/sanitized/libxnts.a $(CMOCKA) $(LIBS) -o $@

# Another version with another ABI, for netns/test_upgrade: counters, configuration and NTS-KE's state have moved,
# and what counted as drop_mode counts as drop_of_tomorrow.
$(NEXT)/build/xntsd: Makefile $(SRCS) $(wildcard bpf/* userspace/*.h)
	$(call say,NEXT,$@)
	$(Q)rm -rf $(NEXT) && mkdir -p $(NEXT) && cp -r Makefile vmlinux.h bpf userspace $(NEXT)
	$(Q)sed -i -e '/define XNTS_ABI_VERSION/s/[0-9]*$$/1000/' -e '/X(drop_mode,/{h;s/drop_mode/drop_of_tomorrow/p;g}' \
		-e '/__u32 \(nak_rate\|keys_refused\);/a __u32 of_tomorrow[2];' \
		-e 's/xnts_\(config\|ke_state\)) == [0-9]*/& + 8/' $(NEXT)/bpf/xnts_abi.h
	$(Q)sed -i '/define XNTS_VERSION/s/".*"/"next"/' $(NEXT)/userspace/version.h
	$(Q)sed -i 's/XNTS_V_drop_mode/XNTS_V_drop_of_tomorrow/' $(NEXT)/bpf/classify.h
	$(Q)$(MAKE) -s -C $(NEXT) BUILD=build CLANG='$(CLANG)' all >/dev/null

# libFuzzer is clang's and the sanitized archive is not: a harness includes the source it fuzzes.
$(BUILD)/fuzz/%: selftests/fuzz/%.c $(SKEL)
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(TEST_CFLAGS) -fsanitize=fuzzer $(DEPS) $< $(LIBS) $(CMOCKA) -o $@

# What runs the code of bpf/ in userspace, counted line by line.
$(BUILD)/coverage/%: selftests/%.c $(BUILD)/libxnts.a
	$(call say,COVER,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -std=gnu11 $(WARN) $(INCLUDES) $(PKG_CFLAGS) -O1 -g -fprofile-instr-generate -fcoverage-mapping \
		$(if $(findstring fuzz/,$@),-fsanitize=fuzzer) $(DEPS) $< $(BUILD)/libxnts.a $(LIBS) $(CMOCKA) -o $@

# Preloaded into clients that would set the clock.
$(BUILD)/%.preload.so: selftests/%.preload.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARN) -O2 -fPIC -shared $(DEPS) $< -o $@

$(BUILD)/bench/%: selftests/bench/%.c $(BUILD)/libxnts.a $(SKEL)
	$(call say,BENCH,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARN) $(INCLUDES) $(PKG_CFLAGS) $(HARDEN) $(CFLAGS) -pie $(DEPS) $< $(BUILD)/libxnts.a $(LIBS) -o $@

# The load generator: `build/load/load --help`, and one that looks at each answer.
REQUESTS := $(patsubst %,selftests/load/%.c,requests sessions)
$(BUILD)/load/load: $(patsubst %,selftests/load/%.c,load options engine_xdp engine_udp) $(BUILD)/load/load.skel.h
$(BUILD)/load/watch: selftests/load/watch.c
$(LOAD): $(REQUESTS) $(BUILD)/libxnts.a
	$(call say,LOAD,$@)
	$(Q)$(CC) -std=gnu11 $(WARN) $(INCLUDES) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -MT $@ \
		$(filter %.c,$^) $(BUILD)/libxnts.a $(LIBS) -o $@

# A test that did not build is reported by the runner as failed, beside the others.
check: deps
	$(Q)$(if $(filter vm,$(SUITES)),scripts/install-deps.sh vm || true)
	$(Q)$(MAKE) --no-print-directory $(if $(findstring j,$(MAKEFLAGS)),,-j$(shell nproc)) -k tests || true
	$(Q)selftests/run.sh $(SUITES)

vmtest:
	$(Q)$(MAKE) --no-print-directory check SUITES=vm

fuzz:
	$(Q)$(MAKE) --no-print-directory $(FUZZERS)
	$(Q)FUZZ_SECONDS=$(or $(FUZZ_SECONDS),60) FUZZ_PACKETS=$(or $(FUZZ_PACKETS),1000000) selftests/run.sh fuzz

coverage:
	$(Q)$(MAKE) -s --no-print-directory $(COVERERS)
	$(Q)CLANG=$(CLANG) selftests/coverage.sh $(COVERERS)

soak: deps
	$(Q)$(MAKE) --no-print-directory all $(TEST_BPF) $(NEXT)/build/xntsd $(LOAD)
	$(Q)MIN=$(or $(MIN),20) selftests/soak/soak.sh

bench: deps
	$(Q)$(MAKE) --no-print-directory all $(BENCHES) $(TEST_BPF) $(LOAD)
	$(Q)for b in $(BENCHES) $(wildcard selftests/bench/bench_*.sh); do echo "== $${b##*/}"; $$b || exit; done

# A plot too where gnuplot can be had.
race: deps
	$(Q)scripts/install-deps.sh race || true
	$(Q)$(MAKE) --no-print-directory all $(LOAD) $(TEST_BPF) $(PRELOADS)
	$(Q)selftests/race/race.sh

run: deps
	$(Q)$(MAKE) --no-print-directory all $(TEST_BPF)
	$(Q)IFACE='$(IFACE)' ONCE='$(ONCE)' scripts/demo.sh

# Installs what is missing when it may, else says what to install.
deps:
	$(Q)scripts/install-deps.sh

# ---- installation ----------------------------------------------------------

install: all
	install -d $(addprefix $(DESTDIR),$(SBINDIR) $(DOCDIR) $(DATADIR) $(UNITDIR) $(SYSUSERSDIR) $(TMPFILESDIR))
	install -m 755 $(PROGRAMS) $(DESTDIR)$(SBINDIR)
	for m in $(MANPAGES); do install -D -m 644 $$m $(DESTDIR)$(MANDIR)/man$${m##*.}/$${m##*/} || exit; done
	install -m 644 userspace/xnts.conf $(DESTDIR)$(DOCDIR)
	install -m 644 scripts/xnts.rules.yml scripts/xnts-dashboard.json $(DESTDIR)$(DATADIR)
	install -m 755 scripts/attach.sh scripts/detach.sh scripts/status.sh $(DESTDIR)$(DATADIR)
	install -m 644 scripts/xnts.sysusers $(DESTDIR)$(SYSUSERSDIR)/xnts.conf
	install -m 644 scripts/xnts.tmpfiles $(DESTDIR)$(TMPFILESDIR)/xnts.conf
	sed 's#/usr/local/sbin#$(SBINDIR)#' scripts/xntsd.service | install -m 644 /dev/stdin $(DESTDIR)$(UNITDIR)/xntsd.service

uninstall:
	rm -f $(MAINS:%=$(DESTDIR)$(SBINDIR)/%) $(DESTDIR)$(UNITDIR)/xntsd.service
	rm -f $(DESTDIR)$(SYSUSERSDIR)/xnts.conf $(DESTDIR)$(TMPFILESDIR)/xnts.conf
	rm -rf $(DESTDIR)$(DOCDIR) $(DESTDIR)$(DATADIR)
	for m in $(MANPAGES); do rm -f $(DESTDIR)$(MANDIR)/man$${m##*.}/$${m##*/}; done

# A Debian package in $(BUILD)/, for this machine's release and architecture.
deb: all
	+$(Q)scripts/make-deb.sh

clean:
	rm -rf $(BUILD)

$(BUILD):
	$(Q)mkdir -p $@

-include $(wildcard $(BUILD)/*.d $(BUILD)/*/*.d $(BUILD)/coverage/*/*.d)
