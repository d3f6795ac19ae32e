KERNEL_SRC += $(wildcard mgmt/*.c mgmt/*/*.c mgmt/*.S)
