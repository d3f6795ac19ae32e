/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors of Intel's gigabit cards: two 64-bit words each. The first is the address of the
 * buffer; what the second means depends on the format.
 *
 * Spec: 82574 Datasheet 7.1.4 "Receive Descriptor Format (legacy)", 7.2.10 "Transmit Descriptor
 * Formats"; 82576 Datasheet 7.1.5 "Receive Descriptor Format" (advanced), 7.2.2 "Transmit
 * Descriptors" (advanced).
 */
#ifndef SOCLE_NET_E1000_DESC_H
#define SOCLE_NET_E1000_DESC_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/pktbuf.h"
#include "drivers/net/tcp_segment.h"

struct e1000_desc {
    u64 address;
    u64 word;
};

/* In the word of all transmit formats. */
#define E1000_TX_EOP  BIT(24) /* the frame, or segment, ends here */
#define E1000_TX_RS   BIT(27) /* report when it is sent, by: */
#define E1000_TX_DONE BIT(32)

/* What a receive descriptor says that the device has written. */
struct e1000_frame {
    u16 len;
    bool is_last; /* of the frame: what it says of the checksum counts */
    bool is_bad;  /* damaged on the wire, or longer than allowed */
    bool csum_ok; /* TCP's or UDP's checksum was checked and is right */
};

struct e1000_format {
    u64 rx_done; /* bit of the word of a receive descriptor */
    struct e1000_frame (*rx_parse)(u64 word);
    /* The word of the descriptor that sends the frame; without E1000_TX_EOP and E1000_TX_RS. */
    u64 (*tx_data)(const struct pktbuf *pkt);
    /*
     * The context descriptor that must come at some time before a frame with a partial checksum.
     * Return: false if the device cannot complete this one.
     */
    bool (*tx_context)(const struct pktbuf *pkt, struct e1000_desc *out);
    /* The context that must come before a segment for the device to cut. */
    struct e1000_desc (*segment_context)(const struct net_join *join);
    /* The word of a descriptor with so many bytes of it; without E1000_TX_EOP and E1000_TX_RS. */
    u64 (*segment_data)(const struct net_join *join, u32 bytes, bool is_first);
};

/* Legacy descriptors, and extended ones for checksums: 8254x, 82574. */
extern const struct e1000_format e1000_legacy;

/* Advanced descriptors: 82576 and later. */
extern const struct e1000_format e1000_advanced;

#endif
