KERNEL_SRC += $(wildcard vmx/*.c vmx/*.S)
