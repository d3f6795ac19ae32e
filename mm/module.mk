KERNEL_SRC += $(wildcard mm/*.c mm/*.S)
