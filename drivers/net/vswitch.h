/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A learning Ethernet switch, pure: says where a frame goes, moves none.
 *
 * A port's own address is known as long as the port is there, and cannot be taken over by frames
 * that claim it. Other addresses are learned from ports that may use any (the uplink, ports whose
 * check is off), in a table of fixed size: the oldest in a set of four makes room, and one not
 * heard of for VSWITCH_AGE_NS is forgotten. A frame to an address nobody has goes only to ports
 * that may use any: a VM cannot listen to others' unicasts. The caller serialises.
 */
#ifndef SOCLE_NET_VSWITCH_H
#define SOCLE_NET_VSWITCH_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/net_limit.h"

#define VSWITCH_SETS        256u
#define VSWITCH_WAYS        4u
#define VSWITCH_AGE_NS      (300 * 1000000000ull)
#define VSWITCH_STORM_PER_S 1000u /* of one port: broadcasts and multicasts; unknown unicasts */

#define VSWITCH_CHECK_MAC BIT(0) /* frames from other source addresses than its own are dropped */
#define VSWITCH_ISOLATED  BIT(1) /* no frames to and from other isolated ports */
#define VSWITCH_TRUSTED   BIT(2) /* no limit on storms; VLAN tags are its own business */
#define VSWITCH_UPLINK    BIT(3) /* no address of its own (mac is not looked at), no such limit */

enum vswitch_verdict {
    VSWITCH_TO_PORT,
    VSWITCH_FLOOD,   /* to each port for which vswitch_floods_to */
    VSWITCH_NOWHERE, /* the receiver is where it came from, or not to be talked to */
    VSWITCH_BAD,     /* too short, a group as its source, a tag where none may be */
    VSWITCH_SPOOFED,
    VSWITCH_STORM,
};

struct vswitch_port {
    u8 mac[6]; /* (c) while in the switch, as flags */
    u32 flags;
    struct net_bucket storm, unknown; /* apart, so that the one does not keep out ARP */
    struct vswitch_port *same_hash;   /* of the switch */
};

struct vswitch_entry {
    u64 mac; /* 0: free */
    u64 seen_ns;
    struct vswitch_port *port;
};

struct vswitch {
    bool has_tags; /* frames may have VLAN tags from anybody: there is no uplink */
    struct vswitch_port *own[VSWITCH_SETS]; /* ports by the hash of their address */
    struct vswitch_entry learned[VSWITCH_SETS][VSWITCH_WAYS];
};

struct vswitch_decision {
    enum vswitch_verdict verdict;
    bool is_group;           /* FLOOD: a broadcast or multicast; else an unknown unicast */
    struct vswitch_port *to; /* TO_PORT */
};

/* The port's mac and flags are set; an uplink needs no more than them. Return: 0, -EEXIST (another
 * port has the address). */
int vswitch_add(struct vswitch *sw, struct vswitch_port *port, u64 now_ns) must_check;

/* What was learned from it is forgotten. */
void vswitch_remove(struct vswitch *sw, struct vswitch_port *port);

/* Decides on a frame that came from a port of the switch, and learns from it. */
struct vswitch_decision vswitch_decide(struct vswitch *sw, struct vswitch_port *from,
                                       const u8 *frame, u32 bytes, u64 now_ns);

/* Whether a frame to be flooded goes to this port. */
bool vswitch_floods_to(const struct vswitch_port *from, const struct vswitch_port *to,
                       bool is_group);

#endif
