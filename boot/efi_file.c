/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the image was loaded from, and the optional socle.dtb beside it: file system, TFTP. */
#include "boot/loader.h"

#include <efipxebc.h>

#define DTB_MAX (1 * MiB)

static EFI_GUID loaded_image_guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
static EFI_GUID device_path_guid = EFI_DEVICE_PATH_PROTOCOL_GUID;
static EFI_GUID pxe_guid = EFI_PXE_BASE_CODE_PROTOCOL_GUID;

static EFI_LOADED_IMAGE *loaded_image(void)
{
    EFI_LOADED_IMAGE *loaded = NULL;
    EFI_STATUS status = uefi_call_wrapper(BS->HandleProtocol, 3, loader_image, &loaded_image_guid,
                                          (void **)&loaded);

    if (EFI_ERROR(status))
        loader_fail("the firmware does not say where the image came from", status);
    return loaded;
}

/* Spec: UEFI "Device Path Protocol", messaging device paths: USB 5, USB class 15, USB WWID 16, MAC
 * 11, URI 24. */
void efi_boot_method(struct boot_info *info)
{
    EFI_LOADED_IMAGE *loaded = loaded_image();
    EFI_DEVICE_PATH *node = NULL;

    info->image_bytes = loaded->ImageSize;
    info->method = BOOT_FROM_DISK;
    if (EFI_ERROR(uefi_call_wrapper(BS->HandleProtocol, 3, loaded->DeviceHandle, &device_path_guid,
                                    (void **)&node)))
        return;
    for (; !IsDevicePathEnd(node); node = NextDevicePathNode(node)) {
        UINT8 subtype = DevicePathSubType(node);

        if (DevicePathType(node) != MESSAGING_DEVICE_PATH)
            continue;
        if (subtype == 5 || subtype == 15 || subtype == 16)
            info->method = BOOT_FROM_USB;
        else if (subtype == 11 && info->method != BOOT_FROM_HTTP)
            info->method = BOOT_FROM_PXE;
        else if (subtype == 24)
            info->method = BOOT_FROM_HTTP;
    }
}

static void load_from_volume(struct boot_info *info, EFI_HANDLE device)
{
    static CHAR16 *const names[] = {(CHAR16 *)L"\\EFI\\BOOT\\socle.dtb", (CHAR16 *)L"\\socle.dtb"};
    EFI_FILE_HANDLE root = LibOpenRoot(device), file = NULL;
    EFI_FILE_INFO *about;
    void *memory;
    UINTN bytes;

    for (unsigned i = 0; root != NULL && i < 2 && file == NULL; i++) {
        if (EFI_ERROR(
                uefi_call_wrapper(root->Open, 5, root, &file, names[i], EFI_FILE_MODE_READ, 0)))
            file = NULL;
    }
    if (file == NULL)
        return;
    about = LibFileInfo(file);
    if (about == NULL || about->FileSize == 0 || about->FileSize > DTB_MAX) {
        Print(
            (CONST CHAR16 *)L"Socle: socle.dtb is empty or larger than 1 MiB and is not used.\r\n");
        return;
    }
    bytes = about->FileSize;
    memory = loader_alloc(info, bytes, 0xffffffff);
    if (EFI_ERROR(uefi_call_wrapper(file->Read, 3, file, &bytes, memory)) ||
        bytes != about->FileSize) {
        Print((CONST CHAR16 *)L"Socle: socle.dtb cannot be read and is not used.\r\n");
        return;
    }
    info->dtb_base = (u64)memory;
    info->dtb_bytes = bytes;
}

/*
 * Spec: UEFI "PXE Base Code Protocol", Mtftp(): the server that gave the image is asked for
 * socle.dtb. Its size is not asked for first: iPXE, which network cards carry, does not answer
 * that.
 */
static void load_by_tftp(struct boot_info *info, EFI_HANDLE device)
{
    EFI_PXE_BASE_CODE *pxe = NULL;
    EFI_IP_ADDRESS server = {0};
    UINT8 *name = (UINT8 *)"socle.dtb";
    UINT64 bytes = DTB_MAX;
    void *buffer, *memory;

    if (EFI_ERROR(uefi_call_wrapper(BS->HandleProtocol, 3, device, &pxe_guid, (void **)&pxe)) ||
        pxe->Mode == NULL || !pxe->Mode->Started || !pxe->Mode->DhcpAckReceived)
        return;
    buffer = AllocatePool(DTB_MAX);
    if (buffer == NULL)
        return;
    CopyMem(&server.v4, pxe->Mode->DhcpAck.Dhcpv4.BootpSiAddr, sizeof server.v4);
    if (!EFI_ERROR(uefi_call_wrapper(pxe->Mtftp, 10, pxe, EFI_PXE_BASE_CODE_TFTP_READ_FILE, buffer,
                                     FALSE, &bytes, NULL, &server, name, NULL, FALSE)) &&
        bytes > 0 && bytes <= DTB_MAX) {
        memory = loader_alloc(info, bytes, 0xffffffff);
        CopyMem(memory, buffer, bytes);
        info->dtb_base = (u64)memory;
        info->dtb_bytes = bytes;
    }
    FreePool(buffer);
}

void efi_load_dtb(struct boot_info *info)
{
    EFI_HANDLE device = loaded_image()->DeviceHandle;

    if (info->method == BOOT_FROM_DISK || info->method == BOOT_FROM_USB)
        load_from_volume(info, device);
    else
        load_by_tftp(info, device);
}
