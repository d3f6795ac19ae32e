KERNEL_SRC += $(wildcard mgmt/*.c mgmt/port/*.c mgmt/*.S)
