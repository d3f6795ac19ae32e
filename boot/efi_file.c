/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the image was loaded from, and files beside it: by the firmware's file system or TFTP. */
#include "boot/loader.h"

#include "boot/boot_files.h"

/* Some firmware fails on larger reads from USB. */
#define READ_PIECE (1 * MiB)

/* The first guess at a size that the firmware does not tell, and the factor to the next one. */
#define TFTP_GUESS_MIN    (8 * MiB)
#define TFTP_GUESS_FACTOR 8

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

void efi_files_open(const struct boot_info *info, struct loader_source *source)
{
    EFI_HANDLE device = loaded_image()->DeviceHandle;
    EFI_PXE_BASE_CODE *pxe = NULL;

    *source = (struct loader_source){0};
    if (info->method == BOOT_FROM_DISK || info->method == BOOT_FROM_USB) {
        source->root = LibOpenRoot(device);
        return;
    }
    if (EFI_ERROR(uefi_call_wrapper(BS->HandleProtocol, 3, device, &pxe_guid, (void **)&pxe)) ||
        pxe->Mode == NULL || !pxe->Mode->Started || !pxe->Mode->DhcpAckReceived)
        return;
    CopyMem(&source->server.v4, pxe->Mode->DhcpAck.Dhcpv4.BootpSiAddr, sizeof source->server.v4);
    source->pxe = pxe;
}

static u64 whole_pages(u64 bytes)
{
    return (bytes + PAGE_MASK) / PAGE_SIZE;
}

static EFI_STATUS pages_alloc(u64 bytes, u64 *base)
{
    return uefi_call_wrapper(BS->AllocatePages, 4, AllocateAnyPages, EfiLoaderData,
                             whole_pages(bytes), base);
}

/* Gives back what lies behind the first `kept` bytes. */
static void pages_free_from(u64 base, u64 kept, u64 bytes)
{
    u64 first = whole_pages(kept), count = whole_pages(bytes);

    if (first < count)
        uefi_call_wrapper(BS->FreePages, 2, base + first * PAGE_SIZE, count - first);
}

static EFI_STATUS read_pieces(EFI_FILE_HANDLE file, struct loader_file *out)
{
    u64 done = 0;

    while (done < out->bytes) {
        UINTN piece = out->bytes - done < READ_PIECE ? out->bytes - done : READ_PIECE;
        EFI_STATUS status =
            uefi_call_wrapper(file->Read, 3, file, &piece, (void *)(out->base + done));

        if (EFI_ERROR(status))
            return status;
        if (piece == 0)
            return EFI_END_OF_FILE;
        done += piece;
    }
    return EFI_SUCCESS;
}

static EFI_STATUS read_opened(EFI_FILE_HANDLE file, u64 max, struct loader_file *out)
{
    EFI_FILE_INFO *about = LibFileInfo(file);
    EFI_STATUS status;

    if (about == NULL)
        return EFI_DEVICE_ERROR;
    out->bytes = about->FileSize;
    FreePool(about);
    if (out->bytes == 0 || out->bytes > max)
        return EFI_BAD_BUFFER_SIZE;
    status = pages_alloc(out->bytes, &out->base);
    if (EFI_ERROR(status))
        return status;
    status = read_pieces(file, out);
    if (EFI_ERROR(status))
        pages_free_from(out->base, 0, out->bytes);
    return status;
}

static EFI_STATUS read_from_volume(const struct loader_source *source, const char *path, u64 max,
                                   struct loader_file *out)
{
    CHAR16 name[sizeof LOADER_FOLDER + BOOT_FILE_PATH_MAX + 1];
    EFI_FILE_HANDLE file = NULL;
    EFI_STATUS status;
    UINTN length = 0;

    for (const char *c = source->folder; *c != '\0'; c++)
        name[length++] = (CHAR16)*c;
    for (const char *c = path; *c != '\0'; c++)
        name[length++] = *c == '/' ? '\\' : (CHAR16)*c;
    name[length] = 0;
    status =
        uefi_call_wrapper(source->root->Open, 5, source->root, &file, name, EFI_FILE_MODE_READ, 0);
    if (EFI_ERROR(status))
        return status;
    status = read_opened(file, max, out);
    uefi_call_wrapper(file->Close, 1, file);
    return status;
}

/* Spec: UEFI "PXE Base Code Protocol", Mtftp(): the server that gave the image is asked. */
static EFI_STATUS tftp(const struct loader_source *source, EFI_PXE_BASE_CODE_TFTP_OPCODE what,
                       const char *path, void *buffer, UINT64 *bytes)
{
    EFI_IP_ADDRESS server = source->server;

    return uefi_call_wrapper(source->pxe->Mtftp, 10, source->pxe, what, buffer, FALSE, bytes, NULL,
                             &server, (UINT8 *)path, NULL, FALSE);
}

/* One past the last byte that is not `fill`. */
static u64 measure(const u8 *data, u64 bytes, u8 fill)
{
    while (bytes > 0 && data[bytes - 1] == fill)
        bytes--;
    return bytes;
}

/*
 * iPXE, which many network cards carry, tells a file's size neither before nor after reading it
 * (src/interface/efi/efi_pxe.c, efi_pxe_mtftp). So the file is read twice, over zeroes and over
 * ones: its last byte differs from one of them.
 */
static EFI_STATUS read_and_measure(const struct loader_source *source, const char *path, u64 room,
                                   struct loader_file *out)
{
    u8 *data = (u8 *)out->base;
    u64 least;
    EFI_STATUS status;

    SetMem(data, room, 0);
    status = tftp(source, EFI_PXE_BASE_CODE_TFTP_READ_FILE, path, data, &out->bytes);
    if (EFI_ERROR(status) || out->bytes != room)
        return status;
    least = measure(data, room, 0);
    SetMem(data + least, room - least, 0xff);
    status = tftp(source, EFI_PXE_BASE_CODE_TFTP_READ_FILE, path, data, &out->bytes);
    out->bytes = least + measure(data + least, room - least, 0xff);
    return status;
}

/* Reads into `room` bytes of new pages and keeps those that hold the file. `known`: room is its
 * size.
 */
static EFI_STATUS read_by_tftp_into(const struct loader_source *source, const char *path, u64 room,
                                    int known, struct loader_file *out)
{
    EFI_STATUS status = pages_alloc(room, &out->base);

    if (EFI_ERROR(status))
        return status;
    out->bytes = room;
    if (known)
        status =
            tftp(source, EFI_PXE_BASE_CODE_TFTP_READ_FILE, path, (void *)out->base, &out->bytes);
    else
        status = read_and_measure(source, path, room, out);
    if (!EFI_ERROR(status) && (out->bytes == 0 || out->bytes > room))
        status = EFI_BAD_BUFFER_SIZE;
    if (EFI_ERROR(status))
        out->bytes = 0;
    pages_free_from(out->base, out->bytes, room);
    return status;
}

static EFI_STATUS read_by_tftp(const struct loader_source *source, const char *path, u64 max,
                               struct loader_file *out)
{
    UINT64 room = 0;
    EFI_STATUS status;

    if (!EFI_ERROR(tftp(source, EFI_PXE_BASE_CODE_TFTP_GET_FILE_SIZE, path, NULL, &room)) &&
        room != 0)
        return room > max ? EFI_BAD_BUFFER_SIZE : read_by_tftp_into(source, path, room, 1, out);
    for (room = TFTP_GUESS_MIN < max ? TFTP_GUESS_MIN : max;; room *= TFTP_GUESS_FACTOR) {
        room = room < max ? room : max;
        status = read_by_tftp_into(source, path, room, 0, out);
        if (room == max || status != EFI_BUFFER_TOO_SMALL)
            return status;
    }
}

EFI_STATUS efi_file_read(const struct loader_source *source, const char *path, u64 max,
                         struct loader_file *out)
{
    if (source->root != NULL)
        return read_from_volume(source, path, max, out);
    if (source->pxe != NULL)
        return read_by_tftp(source, path, max, out);
    return EFI_NOT_FOUND;
}
