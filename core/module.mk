# Kernel layers L0 (lib, x86), L2 (kern), L3 (vm), L4 (vdev), L5 (vmm) and the composition root.
KERNEL_SRC += $(wildcard core/*.c core/lib/*.c core/x86/*.c core/kern/*.c core/store/*.c core/vm/*.c core/vdev/*.c core/vmm/*.c)
KERNEL_SRC += $(wildcard core/x86/*.S core/kern/*.S)
# Offsets are extracted from it, it is not linked.
KERNEL_SRC := $(filter-out core/x86/asm_offsets.c, $(KERNEL_SRC))
# Debug builds check the lock order, release builds link empty functions.
KERNEL_SRC := $(filter-out $(if $(filter 1,$(DEBUG)), core/x86/lockrank_off.c, core/x86/lockrank.c), $(KERNEL_SRC))
