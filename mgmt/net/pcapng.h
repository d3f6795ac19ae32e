/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks of a capture file for Wireshark, tcpdump and their like, pure. Spec: PCAP Next Generation
 * (pcapng) Capture File Format, draft-ietf-opsawg-pcapng.
 */
#ifndef SOCLE_MGMT_PCAPNG_H
#define SOCLE_MGMT_PCAPNG_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define PCAPNG_NAME_MAX    160u
#define PCAPNG_HEADER_MAX  (128u + PCAPNG_NAME_MAX)
#define PCAPNG_FRAME_EXTRA 64u /* of a frame's block, besides its bytes */
#define PCAPNG_END_MAX     64u

struct pcapng_frame {
    u64 unix_ns;
    u32 captured;  /* bytes that follow */
    u32 bytes;     /* of the frame */
    u32 direction; /* 0: not said, 1: inbound, 2: outbound */
};

/* Each writes one or more whole blocks. Return: their bytes. out has room for the maximum above. */

/* The beginning of a file with one Ethernet interface of that name (cut at PCAPNG_NAME_MAX). */
size_t pcapng_header(u8 *out, const char *name, u32 snap_bytes);

/* bytes: frame->captured of them; may be in their place already: pcapng_frame_place(out). */
size_t pcapng_frame(u8 *out, const struct pcapng_frame *frame, const u8 *bytes);

/* Where the bytes of a frame's block stand. */
u8 *pcapng_frame_place(u8 *out);

/* How many frames were seen, and how many of these are not in the file. */
size_t pcapng_end(u8 *out, u64 unix_ns, u64 seen, u64 lost);

#endif
