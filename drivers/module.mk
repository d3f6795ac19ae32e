KERNEL_SRC += $(wildcard drivers/*/*.c drivers/net/nat/*.c)
