/* SPDX-License-Identifier: BSD-2-Clause */
/* The loader's story, top to bottom: find, load, gather, leave the firmware, jump. */
#include "boot/loader.h"

#include "boot/hv_unpack.h"
#include "mm/layout.h"

extern const u8 hv_packed[];
extern const u8 hv_packed_end[];

EFI_HANDLE loader_image;

void loader_fail(const char *sentence, EFI_STATUS status)
{
    Print((CONST CHAR16 *)L"Socle cannot start: %a (UEFI status %r).\r\n", sentence, status);
    uefi_call_wrapper(BS->Stall, 1, 5000000);
    uefi_call_wrapper(BS->Exit, 4, loader_image, status, 0, NULL);
    for (;;)
        __asm__ volatile("hlt");
}

void *loader_alloc(struct boot_info *info, u64 bytes, u64 limit)
{
    EFI_PHYSICAL_ADDRESS address = limit;
    u64 pages = (bytes + PAGE_MASK) / PAGE_SIZE;
    EFI_STATUS status =
        uefi_call_wrapper(BS->AllocatePages, 4, AllocateMaxAddress, EfiLoaderData, pages, &address);

    if (EFI_ERROR(status))
        loader_fail("the firmware has no memory left for the hand-over", status);
    ZeroMem((void *)address, pages * PAGE_SIZE);
    if (info != NULL)
        region_add(info, address, pages * PAGE_SIZE, BOOT_REGION_LOADER);
    return (void *)address;
}

/* Return: the hypervisor's ELF image, in pages of its own. */
static struct loader_file unpack_image(void)
{
    u64 packed_bytes = (u64)(hv_packed_end - hv_packed);
    struct loader_file image = {0, hv_unpacked_bytes(hv_packed, packed_bytes)};

    if (image.bytes != 0)
        image.base = (u64)loader_alloc(NULL, image.bytes, UINT64_MAX);
    if (!hv_unpack(hv_packed, packed_bytes, (void *)image.base))
        loader_fail("the file is damaged: the hypervisor in it cannot be unpacked", EFI_LOAD_ERROR);
    return image;
}

/*
 * The kernel's block is aligned to 2 MiB; the pages before it go back to the firmware. Loader code,
 * not data: strict firmware maps data pages non-executable, and the first instructions run before
 * our tables are final.
 */
static void load_kernel(struct boot_info *info, struct elf_plan *plan)
{
    struct loader_file image = unpack_image();
    const char *wrong = elf_plan_make((const void *)image.base, image.bytes, plan);
    EFI_PHYSICAL_ADDRESS block = 0;
    EFI_STATUS status;
    u64 pages, spare;

    if (wrong != NULL)
        loader_fail(wrong, EFI_LOAD_ERROR);
    if (plan->low != KERNEL_BASE)
        loader_fail("the hypervisor's image is linked to another address", EFI_LOAD_ERROR);
    pages = (plan->high - plan->low) / PAGE_SIZE;
    status = uefi_call_wrapper(BS->AllocatePages, 4, AllocateAnyPages, EfiLoaderCode,
                               pages + PAGE_2M / PAGE_SIZE, &block);
    if (EFI_ERROR(status))
        loader_fail("the firmware has no memory for the hypervisor", status);
    info->kernel_base = (block + PAGE_2M - 1) & ~(PAGE_2M - 1);
    info->kernel_bytes = plan->high - plan->low;
    CopyMem(info->kernel_sha256, (void *)(hv_packed + HV_PACKED_SHA256), BOOT_SHA256_BYTES);
    spare = (info->kernel_base - block) / PAGE_SIZE;
    if (spare != 0)
        uefi_call_wrapper(BS->FreePages, 2, block, spare);
    region_add(info, info->kernel_base, info->kernel_bytes, BOOT_REGION_KERNEL);
    elf_plan_load(plan, (const void *)image.base, (void *)info->kernel_base);
    uefi_call_wrapper(BS->FreePages, 2, image.base, (image.bytes + PAGE_MASK) / PAGE_SIZE);
}

static void find_tables(struct boot_info *info)
{
    static EFI_GUID acpi20 = ACPI_20_TABLE_GUID;
    static EFI_GUID acpi10 = ACPI_TABLE_GUID;
    static EFI_GUID smbios = SMBIOS_TABLE_GUID;
    static EFI_GUID smbios3 = SMBIOS3_TABLE_GUID;
    void *table = NULL;

    if (!EFI_ERROR(LibGetSystemConfigurationTable(&acpi20, &table)) ||
        !EFI_ERROR(LibGetSystemConfigurationTable(&acpi10, &table)))
        info->acpi_rsdp = (u64)table;
    if (!EFI_ERROR(LibGetSystemConfigurationTable(&smbios3, &table)) ||
        !EFI_ERROR(LibGetSystemConfigurationTable(&smbios, &table)))
        info->smbios = (u64)table;
    info->runtime.get_time = (u64)RT->GetTime;
    info->runtime.reset_system = (u64)RT->ResetSystem;
    info->runtime.get_variable = (u64)RT->GetVariable;
    info->runtime.set_variable = (u64)RT->SetVariable;
}

static void find_framebuffer(struct boot_info *info)
{
    static EFI_GUID gop_guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_GRAPHICS_OUTPUT_PROTOCOL *gop = NULL;
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode;

    if (EFI_ERROR(LibLocateProtocol(&gop_guid, (void **)&gop)) || gop->Mode == NULL)
        return;
    mode = gop->Mode->Info;
    if (mode->PixelFormat != PixelRedGreenBlueReserved8BitPerColor &&
        mode->PixelFormat != PixelBlueGreenRedReserved8BitPerColor)
        return;
    info->framebuffer.base = gop->Mode->FrameBufferBase;
    info->framebuffer.width = mode->HorizontalResolution;
    info->framebuffer.height = mode->VerticalResolution;
    info->framebuffer.pitch_pixels = mode->PixelsPerScanLine;
    info->framebuffer.format = mode->PixelFormat == PixelBlueGreenRedReserved8BitPerColor
                                   ? BOOT_PIXEL_BGRX
                                   : BOOT_PIXEL_RGBX;
}

/* Spec: UEFI "Random Number Generator Protocol". */
static void take_seed(struct boot_info *info)
{
    static EFI_GUID rng_guid = EFI_RNG_PROTOCOL_GUID;
    EFI_RNG_PROTOCOL *rng = NULL;

    if (EFI_ERROR(LibLocateProtocol(&rng_guid, (void **)&rng)) || rng == NULL)
        return;
    if (!EFI_ERROR(uefi_call_wrapper(rng->GetRNG, 4, rng, NULL, BOOT_SEED_BYTES, info->seed)))
        info->seed_bytes = BOOT_SEED_BYTES;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    u64 entered = loader_tsc();
    struct elf_plan plan;
    struct boot_info *info;

    loader_image = image;
    InitializeLib(image, system);
    Print((CONST CHAR16 *)L"Socle: loading the hypervisor\r\n");

    info = loader_alloc(NULL, sizeof *info, 0xffffffff);
    region_add(info, (u64)info, (sizeof *info + PAGE_MASK) & ~PAGE_MASK, BOOT_REGION_LOADER);
    info->magic = BOOT_INFO_MAGIC;
    info->version = BOOT_INFO_VERSION;
    info->size_bytes = sizeof *info;
    info->stamps.loader_entry = entered;

    efi_boot_method(info);
    efi_load_config(info);
    load_kernel(info, &plan);
    info->stamps.kernel_loaded = loader_tsc();
    find_tables(info);
    find_framebuffer(info);
    take_seed(info);
    info->ap_page = (u64)loader_alloc(info, PAGE_SIZE, 0x9ffff);
    efi_paging_build(info, &plan, efi_top_of_memory());
    efi_exit(info);
    info->stamps.firmware_left = loader_tsc();
    handoff(info->handover_cr3, plan.entry, DIRECT_MAP_BASE + (u64)info);
}
