KERNEL_SRC += $(wildcard svm/*.c svm/*.S)
