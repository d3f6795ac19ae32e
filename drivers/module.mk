KERNEL_SRC += $(wildcard drivers/*/*.c)
