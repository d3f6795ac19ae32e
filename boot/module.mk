# entry.S and ap_trampoline.S belong to the kernel; everything else is the UEFI loader.
KERNEL_SRC += boot/entry.S boot/ap_trampoline.S
LOADER_SRC := $(wildcard boot/*.c) boot/handoff.S boot/hv_blob.S
# Pure code that both programs contain, compiled for each in its own way.
LOADER_SHARED := core/lib/dtb.c core/lib/hex.c core/lib/string.c
