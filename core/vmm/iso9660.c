/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing ISO 9660: descriptors, path tables, the root folder, what Rock Ridge says of itself, then
 * the files, each from a sector of its own.
 */
#include "core/vmm/iso9660.h"

#include "core/lib/string.h"

enum place {
    SECTOR_PRIMARY = 16, /* the 16 before are the system's: zeroes */
    SECTOR_END,
    SECTOR_PATHS_LE,
    SECTOR_PATHS_BE,
    SECTOR_ROOT,
    SECTOR_EXTENSION,
    SECTOR_FILES,
};

#define PATH_TABLE_BYTES  10u
#define RECORD_NAME       33u /* where a folder record's name begins */
#define RECORD_FOLDER     2u
#define VOLUME_LABEL_MAX  32u
#define PRIMARY_ROOT      156u
#define PRIMARY_TEXTS     190u /* eight texts, 623 bytes */
#define PRIMARY_TEXTS_END 813u
#define PRIMARY_DATE      17u

/* POSIX modes: read by all, written by nobody. */
#define MODE_FILE   0100444u
#define MODE_FOLDER 040555u

/* What the ER field must say. Spec: IEEE P1282 "Identification of the Extensions". */
#define ER_ID "RRIP_1991A"
#define ER_TEXT \
    "THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS"
#define ER_FROM                                                               \
    "PLEASE CONTACT DISC PUBLISHER FOR SPECIFICATION SOURCE.  SEE PUBLISHER " \
    "IDENTIFIER IN PRIMARY VOLUME DESCRIPTOR FOR CONTACT INFORMATION."
#define ER_BYTES (8u + sizeof(ER_ID) - 1u + sizeof(ER_TEXT) - 1u + sizeof(ER_FROM) - 1u)

_Static_assert(ER_BYTES <= 255, "a field's length is a byte");

static u32 sectors_of(u32 bytes)
{
    return (u32)(ALIGN_UP((u64)bytes, ISO9660_SECTOR) / ISO9660_SECTOR);
}

u64 iso9660_bytes(const struct iso9660_file *files, u32 count)
{
    u64 sectors = SECTOR_FILES;

    for (u32 i = 0; i < count; i++)
        sectors += sectors_of(files[i].bytes);
    return sectors * ISO9660_SECTOR;
}

static void put_le(u8 *at, u32 value, u32 bytes)
{
    for (u32 i = 0; i < bytes; i++)
        at[i] = (u8)(value >> (8 * i));
}

static void put_be(u8 *at, u32 value, u32 bytes)
{
    for (u32 i = 0; i < bytes; i++)
        at[i] = (u8)(value >> (8 * (bytes - 1 - i)));
}

/* In both byte orders, one after the other. */
static void put_both(u8 *at, u32 value, u32 bytes)
{
    put_le(at, value, bytes);
    put_be(at + bytes, value, bytes);
}

/* The head of a system use field. Return: behind it. */
static u8 *field_begin(u8 *at, const char *name, u32 bytes)
{
    memcpy(at, name, 2);
    at[2] = (u8)bytes;
    at[3] = 1; /* its version */
    return at + 4;
}

/* A file's mode and owner, which is root. Return: behind it. */
static u8 *put_px(u8 *at, u32 mode, u32 links)
{
    at = field_begin(at, "PX", 36);
    put_both(at, mode, 4);
    put_both(at + 8, links, 4);
    return at + 32;
}

/* A file's name. Return: behind it. */
static u8 *put_nm(u8 *at, const char *name)
{
    u32 len = (u32)strlen(name);

    at = field_begin(at, "NM", 5 + len);
    *at++ = 0; /* it does not go on in another field */
    memcpy(at, name, len);
    return at + len;
}

/* The first folder record tells that there are such fields, and where it is said which. */
static u8 *put_announcement(u8 *at)
{
    at = field_begin(at, "SP", 7);
    *at++ = 0xbe;
    *at++ = 0xef;
    *at++ = 0; /* nothing to be skipped */
    at = field_begin(at, "CE", 28);
    put_both(at, SECTOR_EXTENSION, 4);
    put_both(at + 8, 0, 4);
    put_both(at + 16, ER_BYTES, 4);
    return at + 24;
}

static void put_extension(u8 *at)
{
    at = field_begin(at, "ER", ER_BYTES);
    *at++ = sizeof(ER_ID) - 1;
    *at++ = sizeof(ER_TEXT) - 1;
    *at++ = sizeof(ER_FROM) - 1;
    *at++ = 1; /* the protocol's version */
    memcpy(at, ER_ID, sizeof(ER_ID) - 1);
    at += sizeof(ER_ID) - 1;
    memcpy(at, ER_TEXT, sizeof(ER_TEXT) - 1);
    at += sizeof(ER_TEXT) - 1;
    memcpy(at, ER_FROM, sizeof(ER_FROM) - 1);
}

/* A folder record up to its name, without a date. Return: where system use fields go. */
static u8 *record_begin(u8 *at, u32 sector, u32 bytes, u8 flags, const char *name, u32 len)
{
    put_both(at + 2, sector, 4);
    put_both(at + 10, bytes, 4);
    at[25] = flags;
    put_both(at + 28, 1, 2); /* the volume's number in its set */
    at[32] = (u8)len;
    memcpy(at + RECORD_NAME, name, len);
    return at + ALIGN_UP(RECORD_NAME + len, 2u);
}

/* Return: behind it, where the next begins. */
static u8 *record_end(u8 *at, const u8 *end)
{
    at[0] = (u8)ALIGN_UP((u64)(end - at), 2u);
    return at + at[0];
}

/* The root folder about itself: the name is a zero for "." and a one for "..". */
static u8 *root_record(u8 *at, const char *name, bool is_first)
{
    u8 *end = record_begin(at, SECTOR_ROOT, ISO9660_SECTOR, RECORD_FOLDER, name, 1);

    if (is_first)
        end = put_announcement(end);
    end = put_px(end, MODE_FOLDER, 2);
    return record_end(at, end);
}

static void write_root(u8 *at, const struct iso9660_file *files, u32 count)
{
    u32 sector = SECTOR_FILES;

    at = root_record(at, "\0", true);
    at = root_record(at, "\1", false);
    for (u32 i = 0; i < count; i++) {
        const struct iso9660_file *file = &files[i];
        u8 *end = record_begin(at, sector, file->bytes, 0, file->plain, (u32)strlen(file->plain));

        end = put_px(end, MODE_FILE, 1);
        end = put_nm(end, file->name);
        at = record_end(at, end);
        sector += sectors_of(file->bytes);
    }
}

_Static_assert(2 * 112 + ISO9660_FILES_MAX * (RECORD_NAME + 2 * (ISO9660_NAME_MAX + 1) + 36 + 6) <=
                   ISO9660_SECTOR,
               "the root folder is one sector");

static void descriptor_begin(u8 *at, u8 type)
{
    at[0] = type;
    memcpy(at + 1, "CD001", 5);
    at[6] = 1; /* its version */
}

static void write_primary(u8 *at, const char *label, u32 sectors)
{
    descriptor_begin(at, 1);
    memset(at + 8, ' ', 64); /* the system's name and the volume's */
    memcpy(at + 40, label, MIN(strlen(label), (size_t)VOLUME_LABEL_MAX));
    put_both(at + 80, sectors, 4);
    put_both(at + 120, 1, 2); /* one volume in its set, */
    put_both(at + 124, 1, 2); /* and this is it */
    put_both(at + 128, ISO9660_SECTOR, 2);
    put_both(at + 132, PATH_TABLE_BYTES, 4);
    put_le(at + 140, SECTOR_PATHS_LE, 4);
    put_be(at + 148, SECTOR_PATHS_BE, 4);
    (void)record_begin(at + PRIMARY_ROOT, SECTOR_ROOT, ISO9660_SECTOR, RECORD_FOLDER, "\0", 1);
    at[PRIMARY_ROOT] = RECORD_NAME + 1;
    memset(at + PRIMARY_TEXTS, ' ', PRIMARY_TEXTS_END - PRIMARY_TEXTS);
    for (u32 i = 0; i < 4; i++) /* of unknown date: digits, then a zero for the time zone */
        memset(at + PRIMARY_TEXTS_END + i * PRIMARY_DATE, '0', PRIMARY_DATE - 1);
    at[881] = 1; /* the version of folder records */
}

/* The only entry of a path table: the root. */
static void write_path_table(u8 *at, void (*put)(u8 *at, u32 value, u32 bytes))
{
    at[0] = 1; /* bytes of its name, which is a zero */
    put(at + 2, SECTOR_ROOT, 4);
    put(at + 6, 1, 2); /* it is its own parent */
}

void iso9660_write(const char *label, const struct iso9660_file *files, u32 count, u8 *out)
{
    u64 bytes = iso9660_bytes(files, count);
    u8 *at = out + SECTOR_FILES * ISO9660_SECTOR;

    memset(out, 0, bytes);
    write_primary(out + SECTOR_PRIMARY * ISO9660_SECTOR, label, (u32)(bytes / ISO9660_SECTOR));
    descriptor_begin(out + SECTOR_END * ISO9660_SECTOR, 255);
    write_path_table(out + SECTOR_PATHS_LE * ISO9660_SECTOR, put_le);
    write_path_table(out + SECTOR_PATHS_BE * ISO9660_SECTOR, put_be);
    write_root(out + SECTOR_ROOT * ISO9660_SECTOR, files, count);
    put_extension(out + SECTOR_EXTENSION * ISO9660_SECTOR);
    for (u32 i = 0; i < count; i++) {
        if (files[i].bytes > 0)
            memcpy(at, files[i].data, files[i].bytes);
        at += sectors_of(files[i].bytes) * ISO9660_SECTOR;
    }
}
