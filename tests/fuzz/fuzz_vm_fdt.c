/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vmm/vm_config.c core/vmm/vm_fdt.c core/vmm/vmm_error.c core/vmm/vmm_uuid.c
 * core/vmm/cloud_init.c core/vmm/cloud_init_fdt.c core/lib/dtb.c core/lib/hex.c
 * core/lib/printf.c core/lib/str.c boot/boot_files.c tests/fakes/libfdt.c tests/fakes/heap.c
 */
/*
 * Any bytes as socle.dtb: the loader's list and the readers of images and VMs refuse them or stay
 * inside, and what passes both checks is a definition with terminated texts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "boot/boot_files.h"
#include "core/vmm/vm_fdt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static void note(void *cookie, const char *node, const char *name, const char *what)
{
    (void)cookie;
    if (strlen(node) + strlen(name ? name : "") + strlen(what) == 0)
        abort();
}

/* Half of the inputs begin as a tree with everything in it, or few would ever be sound. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    if (seed % 2 == 0 && max >= 1024 && fdt_create(data, 1024) == 0) {
        (void)fdt_finish_reservemap(data);
        (void)fdt_begin_node(data, "");
        (void)fdt_property_string(data, "compatible", DTB_COMPATIBLE);
        (void)fdt_begin_node(data, "images");
        (void)fdt_begin_node(data, "k");
        (void)fdt_property_string(data, "file", "boot/vmlinuz");
        (void)fdt_property_string(data, "kind", "kernel");
        (void)fdt_property_string(data, "sha256", "0011223344556677");
        (void)fdt_end_node(data);
        (void)fdt_end_node(data);
        (void)fdt_begin_node(data, "vms");
        (void)fdt_begin_node(data, "web1");
        (void)fdt_property_u64(data, "memory", 0x10000000);
        (void)fdt_property_u32(data, "vcpus", 1);
        (void)fdt_property_string(data, "kernel", "k");
        (void)fdt_property(data, "tags", "a\0b", 4);
        (void)fdt_property(data, "autostart", "", 0);
        (void)fdt_property_string(data, "user-data", "#cloud-config");
        (void)fdt_end_node(data);
        (void)fdt_end_node(data);
        (void)fdt_end_node(data);
        (void)fdt_finish(data);
        size = fdt_totalsize(data);
    }
    return LLVMFuzzerMutate(data, size, max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct dtb_report report = {note, NULL};
    static struct boot_file files[4];
    static struct vm_config vm;
    struct image_fdt image;
    struct vmm_error err;
    uint64_t *copy = malloc(size + 8); /* aligned, as the loader's pages are */
    u32 left_out;
    u32 count;
    int parent, node;

    memcpy(copy, data, size);
    count = boot_files_list(copy, size, files, 4, &left_out);
    for (u32 i = 0; i < count; i++) {
        const char *path = files[i].path;

        if (path && (strncmp(path, "../", 3) == 0 || strstr(path, "/../") || path[0] == '/'))
            abort();
    }
    if (dtb_is_socle(copy, size)) {
        fdt_for_each_subnode(parent, copy, 0)
        {
            fdt_for_each_subnode(node, copy, parent)
            {
                (void)!image_fdt_read(copy, node, "images/x", &image, &report);
                if (vm_fdt_read(copy, node, "vms/x", &vm, &report))
                    continue;
                if (vm_config_validate(&vm, &err) == 0 &&
                    strnlen(vm.cmdline, sizeof(vm.cmdline)) == sizeof(vm.cmdline))
                    abort();
                vm_config_fini(&vm);
            }
        }
    }
    free(copy);
    return 0;
}
