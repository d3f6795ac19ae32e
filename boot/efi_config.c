/* SPDX-License-Identifier: BSD-2-Clause */
/* socle.dtb beside the image, and the files it names: read here, understood by the hypervisor. */
#include "boot/loader.h"

#include "boot/boot_files.h"

#define DTB_MAX    (1 * MiB)
#define MODULE_MAX (1 * GiB)

/* Only a volume has folders; a TFTP server is asked for the bare name. Return: EFI_NOT_FOUND … */
static EFI_STATUS read_dtb(struct loader_source *source, struct loader_file *dtb)
{
    static const char *const folders[] = {LOADER_FOLDER, "\\"};
    EFI_STATUS status = EFI_NOT_FOUND;

    for (unsigned i = 0; i < 2 && status == EFI_NOT_FOUND; i++) {
        source->folder = folders[i];
        status = efi_file_read(source, "socle.dtb", DTB_MAX, dtb);
    }
    return status;
}

static void name_copy(char *to, const char *from)
{
    unsigned i = 0;

    for (; i < BOOT_MODULE_NAME_MAX && from[i] != '\0'; i++)
        to[i] = from[i];
    to[i] = '\0';
}

static void load_module(struct boot_info *info, const struct loader_source *source,
                        const struct boot_file *file)
{
    struct loader_file read = {0, 0};
    struct boot_module *module;
    EFI_STATUS status;

    if (file->path == NULL) {
        Print((CONST CHAR16 *)L"Socle: image %a is left out: \"file\" is missing or no path.\r\n",
              file->name);
        return;
    }
    status = efi_file_read(source, file->path, MODULE_MAX, &read);
    if (EFI_ERROR(status)) {
        Print((CONST CHAR16 *)L"Socle: image %a is left out: %a cannot be read (%r).\r\n",
              file->name, file->path, status);
        return;
    }
    module = &info->modules[info->module_count++];
    name_copy(module->name, file->name);
    module->base = read.base;
    module->bytes = read.bytes;
    region_add(info, read.base, (read.bytes + PAGE_MASK) & ~PAGE_MASK, BOOT_REGION_MODULE);
    Print((CONST CHAR16 *)L"Socle: %a, %ld bytes\r\n", file->path, read.bytes);
}

static void load_modules(struct boot_info *info, const struct loader_source *source)
{
    struct boot_file files[BOOT_MODULES_MAX];
    u32 left_out;
    u32 count = boot_files_list((const void *)info->dtb_base, info->dtb_bytes, files,
                                BOOT_MODULES_MAX, &left_out);

    for (u32 i = 0; i < count; i++)
        load_module(info, source, &files[i]);
    if (left_out > 0)
        Print((CONST CHAR16 *)L"Socle: %d images have too long a name or are more than %d.\r\n",
              left_out, BOOT_MODULES_MAX);
}

void efi_load_config(struct boot_info *info)
{
    struct loader_source source;
    struct loader_file dtb = {0, 0};
    EFI_STATUS status;

    efi_files_open(info, &source);
    status = read_dtb(&source, &dtb);
    if (EFI_ERROR(status)) {
        if (status == EFI_BAD_BUFFER_SIZE)
            Print((CONST CHAR16 *)L"Socle: socle.dtb is empty or larger than 1 MiB and is not "
                                  L"used.\r\n");
        else if (source.root != NULL && status != EFI_NOT_FOUND)
            Print((CONST CHAR16 *)L"Socle: socle.dtb cannot be read (%r) and is not used.\r\n",
                  status);
        return;
    }
    info->dtb_base = dtb.base;
    info->dtb_bytes = dtb.bytes;
    region_add(info, dtb.base, (dtb.bytes + PAGE_MASK) & ~PAGE_MASK, BOOT_REGION_LOADER);
    load_modules(info, &source);
}
