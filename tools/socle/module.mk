# SPDX-License-Identifier: BSD-2-Clause
# The administrator's command line, for the machine that builds: libcurl, jansson and libext2fs from the distribution.

CLI        := $(B)/socle-cli
CLI_SRC    := $(wildcard tools/socle/*.c) core/lib/base64.c core/lib/hex.c core/lib/sha256.c
CLI_OBJ    := $(patsubst %.c,$(CLI)/obj/%.o,$(CLI_SRC))
CLI_CFLAGS := -std=c17 -D_GNU_SOURCE -DSOCLE_VERSION='"$(VERSION)"' -O2 -g $(WARNINGS) -fstack-protector-strong -D_FORTIFY_SOURCE=2 \
    -fPIE -ffile-prefix-map=$(CURDIR)=. -I.
# Part of `make` where the libraries are, which `make setup` installs: the hypervisor needs neither.
CLI_HAS_LIBS := $(and $(wildcard /usr/include/jansson.h),$(wildcard /usr/include/ext2fs/ext2fs.h),$(wildcard /usr/include/curl/curl.h /usr/include/*/curl/curl.h))

$(CLI)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CLI  $<"
	$(Q)$(CC) $(CLI_CFLAGS) -MMD -MP -c -o $@ $<
$(CLI)/socle: $(CLI_OBJ)
	@echo "  LD   $@"
	$(Q)$(CC) -pie -Wl,-z,relro,-z,now -o $@ $(CLI_OBJ) -lcurl -ljansson -lext2fs -lcom_err

.PHONY: cli deb
cli: $(CLI)/socle
ifneq ($(CLI_HAS_LIBS),)
all: cli
endif

deb: $(CLI)/socle
	tools/mkdeb.sh $< $(VERSION) $(CLI)

-include $(CLI_OBJ:.o=.d)
