/* SPDX-License-Identifier: BSD-2-Clause */
/* The control queue's commands, and what follows of them for frames. */
#include "core/vdev/virtio_net_filter.h"

#include "core/lib/string.h"

/* Spec: Virtio 1.2, 5.1.6.5.1 "Packet Receive Filtering". */
#define CLASS_RX    0u
#define RX_PROMISC  0u
#define RX_ALLMULTI 1u
#define RX_ALLUNI   2u
#define RX_NOBCAST  5u

/* Spec: Virtio 1.2, 5.1.6.5.2 "Setting MAC Address Filtering". */
#define CLASS_MAC 1u
#define MAC_TABLE 0u

/* Spec: Virtio 1.2, 5.1.6.5.3 "VLAN Filtering". */
#define CLASS_VLAN 2u
#define VLAN_ADD   0u
#define VLAN_DEL   1u

#define COMMAND_BYTES 2u
#define MAC_BYTES     6u
#define TYPE_AT       12u
#define VLAN_AT       14u
#define TYPE_VLAN     0x8100u
#define VLAN_MASK     0xfffu

void net_filter_reset(struct net_filter *filter)
{
    *filter = (struct net_filter){.is_promisc = true};
}

static bool read_at(const struct gmem *gmem, const struct virtq_chain *chain, u64 offset, void *dst,
                    u32 bytes)
{
    return virtq_chain_read(gmem, chain, offset, dst, bytes) == bytes;
}

static u8 set_mode(struct net_filter *filter, u64 features, u8 command, bool is_on)
{
    bool *const modes[] = {&filter->is_promisc, &filter->all_multi, &filter->all_uni,
                           &filter->no_multi,   &filter->no_uni,    &filter->no_bcast};

    if (!(features & NET_F_CTRL_RX) || command > RX_NOBCAST ||
        (command >= RX_ALLUNI && !(features & NET_F_CTRL_RX_X)))
        return NET_CTRL_ERR;
    *modes[command] = is_on;
    return NET_CTRL_OK;
}

/* One list of addresses; *offset goes behind it. */
static bool read_table(struct net_filter_table *table, const struct gmem *gmem,
                       const struct virtq_chain *chain, u64 *offset)
{
    u32 listed;

    if (!read_at(gmem, chain, *offset, &listed, sizeof(listed)))
        return false;
    *offset += sizeof(listed);
    table->count = MIN(listed, NET_FILTER_MACS);
    table->is_full = listed > NET_FILTER_MACS;
    if (!read_at(gmem, chain, *offset, table->macs, table->count * MAC_BYTES))
        return false;
    *offset += (u64)listed * MAC_BYTES;
    return *offset <= chain->read_bytes;
}

/* Both lists, or none of them. */
static u8 set_tables(struct net_filter *filter, u64 features, const struct gmem *gmem,
                     const struct virtq_chain *chain)
{
    struct net_filter_table uni, multi;
    u64 offset = COMMAND_BYTES;

    if (!(features & NET_F_CTRL_RX) || !read_table(&uni, gmem, chain, &offset) ||
        !read_table(&multi, gmem, chain, &offset))
        return NET_CTRL_ERR;
    filter->uni = uni;
    filter->multi = multi;
    return NET_CTRL_OK;
}

static u8 set_vlan(struct net_filter *filter, u64 features, u8 command, u16 vlan)
{
    if (!(features & NET_F_CTRL_VLAN) || vlan >= NET_FILTER_VLANS || command > VLAN_DEL)
        return NET_CTRL_ERR;
    if (command == VLAN_ADD)
        filter->vlans[vlan / 64] |= BIT(vlan % 64);
    else
        filter->vlans[vlan / 64] &= ~BIT(vlan % 64);
    return NET_CTRL_OK;
}

u8 net_filter_command(struct net_filter *filter, u64 features, const struct gmem *gmem,
                      const struct virtq_chain *chain)
{
    u8 command[COMMAND_BYTES]; /* class and command */
    u8 is_on;
    u16 vlan;

    if (!read_at(gmem, chain, 0, command, sizeof(command)))
        return NET_CTRL_ERR;
    if (command[0] == CLASS_RX && read_at(gmem, chain, COMMAND_BYTES, &is_on, sizeof(is_on)))
        return set_mode(filter, features, command[1], is_on != 0);
    if (command[0] == CLASS_MAC && command[1] == MAC_TABLE)
        return set_tables(filter, features, gmem, chain);
    if (command[0] == CLASS_VLAN && read_at(gmem, chain, COMMAND_BYTES, &vlan, sizeof(vlan)))
        return set_vlan(filter, features, command[1], vlan);
    return NET_CTRL_ERR;
}

static bool has_mac(const struct net_filter_table *table, const u8 *mac)
{
    if (table->is_full)
        return true;
    for (u32 i = 0; i < table->count; i++) {
        if (memcmp(table->macs[i], mac, MAC_BYTES) == 0)
            return true;
    }
    return false;
}

/* Untagged frames, and those with a priority only, belong to no VLAN. */
static bool passes_vlan(const struct net_filter *filter, const u8 *frame, u32 bytes)
{
    u32 vlan;

    if (bytes < VLAN_AT + 2 || ((u32)frame[TYPE_AT] << 8 | frame[TYPE_AT + 1]) != TYPE_VLAN)
        return true;
    vlan = ((u32)frame[VLAN_AT] << 8 | frame[VLAN_AT + 1]) & VLAN_MASK;
    return vlan == 0 || (filter->vlans[vlan / 64] & BIT(vlan % 64)) != 0;
}

bool net_filter_passes(const struct net_filter *filter, u64 features, const u8 mac[6],
                       const u8 *frame, u32 bytes)
{
    static const u8 broadcast[MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    if ((features & NET_F_CTRL_VLAN) && !passes_vlan(filter, frame, bytes))
        return false;
    if (filter->is_promisc)
        return true;
    if (memcmp(frame, broadcast, MAC_BYTES) == 0)
        return !filter->no_bcast;
    if (frame[0] & 1)
        return !filter->no_multi && (filter->all_multi || has_mac(&filter->multi, frame));
    return !filter->no_uni && (filter->all_uni || !mac || memcmp(frame, mac, MAC_BYTES) == 0 ||
                               has_mac(&filter->uni, frame));
}
