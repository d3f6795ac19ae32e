/* SPDX-License-Identifier: BSD-2-Clause */
/* Packs the hypervisor's image for the loader: hv_pack IMAGE PACKED. Format: boot/hv_unpack.h. */
#include <lz4hc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "boot/hv_unpack.h"
#include "core/lib/sha256.h"

static char image[HV_UNPACKED_MAX];
static char packed[LZ4_COMPRESSBOUND(HV_UNPACKED_MAX)];

static void fail(const char *what, const char *path)
{
    fprintf(stderr, "hv_pack: %s %s\n", what, path);
    exit(1);
}

static void write_header(FILE *out, uint64_t bytes, const char *path)
{
    struct sha256 hash;
    u8 digest[SHA256_BYTES];

    sha256_init(&hash);
    sha256_update(&hash, image, bytes);
    sha256_final(&hash, digest);
    if (fwrite(&bytes, HV_PACKED_SHA256, 1, out) != 1 ||
        fwrite(digest, sizeof(digest), 1, out) != 1)
        fail("cannot write", path);
}

int main(int argc, char **argv)
{
    size_t bytes;
    int packed_bytes;
    FILE *in, *out;

    if (argc != 3)
        fail("usage: hv_pack", "IMAGE PACKED");
    in = fopen(argv[1], "rb");
    if (in == NULL || (bytes = fread(image, 1, sizeof(image), in)) == 0 || !feof(in))
        fail("cannot read, or it is empty or too large:", argv[1]);
    packed_bytes = LZ4_compress_HC(image, packed, (int)bytes, sizeof(packed), LZ4HC_CLEVEL_MAX);
    out = fopen(argv[2], "wb");
    if (out == NULL)
        fail("cannot write", argv[2]);
    write_header(out, bytes, argv[2]);
    if (fwrite(packed, (size_t)packed_bytes, 1, out) != 1 || fclose(out) != 0)
        fail("cannot write", argv[2]);
    return 0;
}
