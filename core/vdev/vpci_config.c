/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes and masks of a configuration space. */
#include "core/vdev/vpci_config.h"

#include "core/lib/assert.h"
#include "core/lib/string.h"
#include "core/vdev/vdev_util.h"

#define COMMAND_WRITABLE (PCI_COMMAND_MASTER | PCI_COMMAND_INTX_OFF)
#define CAPABILITY_ALIGN 4u

u32 vpci_config_get(const struct vpci_config *config, u32 offset, unsigned size)
{
    u32 value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (u32)config->bytes[offset + i] << 8 * i;
    return value;
}

static void put_le(u8 *bytes, unsigned size, u32 value)
{
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (u8)(value >> 8 * i);
}

void vpci_config_set(struct vpci_config *config, u32 offset, unsigned size, u32 value)
{
    put_le(&config->bytes[offset], size, value);
}

static void allow(struct vpci_config *config, u32 offset, unsigned size, u32 mask)
{
    put_le(&config->writable[offset], size, mask);
}

void vpci_config_init(struct vpci_config *config, const struct vpci_ident *ident)
{
    *config = (struct vpci_config){.last_link = PCI_CAPABILITY_POINTER, .used = PCI_HEADER_END};
    vpci_config_set(config, PCI_VENDOR_ID, 2, ident->vendor);
    vpci_config_set(config, PCI_DEVICE_ID, 2, ident->device);
    vpci_config_set(config, PCI_REVISION_ID, 1, ident->revision);
    vpci_config_set(config, PCI_CLASS, 3, ident->class_code);
    vpci_config_set(config, PCI_SUBSYSTEM_VENDOR, 2, ident->subsystem_vendor);
    vpci_config_set(config, PCI_SUBSYSTEM_ID, 2, ident->subsystem);
    allow(config, PCI_COMMAND, 2, COMMAND_WRITABLE);
    allow(config, PCI_CACHE_LINE, 1, 0xff);
    allow(config, PCI_INTERRUPT_LINE, 1, 0xff);
}

void vpci_config_add_bar(struct vpci_config *config, unsigned index, enum vpci_bar_kind kind,
                         u64 bytes)
{
    u32 type = kind == VPCI_BAR_IO ? PCI_BAR_IO_SPACE : kind == VPCI_BAR_MEM64 ? PCI_BAR_64 : 0;
    u64 enable = kind == VPCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;

    assert(index < PCI_BARS && IS_ALIGNED(bytes, bytes) && bytes >= (kind == VPCI_BAR_IO ? 4 : 16));
    config->kind[index] = kind;
    config->bar_bytes[index] = bytes;
    vpci_config_set(config, PCI_BAR(index), 4, type);
    allow(config, PCI_BAR(index), 4, (u32) ~(bytes - 1));
    if (kind == VPCI_BAR_MEM64) {
        assert(index + 1 < PCI_BARS);
        allow(config, PCI_BAR(index + 1), 4, (u32)(~(bytes - 1) >> 32));
    }
    allow(config, PCI_COMMAND, 1, config->writable[PCI_COMMAND] | (u32)enable);
}

u8 vpci_config_add_capability(struct vpci_config *config, u8 id, const u8 *body, const u8 *writable,
                              u8 bytes)
{
    u8 at = config->used;

    assert(bytes >= 2 && at + ALIGN_UP(bytes, CAPABILITY_ALIGN) < PCI_CONFIG_BYTES);
    memcpy(&config->bytes[at], body, bytes);
    if (writable)
        memcpy(&config->writable[at], writable, bytes);
    config->bytes[at] = id;
    config->bytes[at + 1] = 0;
    config->bytes[config->last_link] = at;
    config->last_link = (u8)(at + 1);
    config->used = (u8)(at + ALIGN_UP(bytes, CAPABILITY_ALIGN));
    config->bytes[PCI_STATUS] |= (u8)PCI_STATUS_CAPABILITY;
    return at;
}

void vpci_config_set_interrupt(struct vpci_config *config, u8 line)
{
    config->bytes[PCI_INTERRUPT_LINE] = line;
    config->bytes[PCI_INTERRUPT_PIN] = 1; /* INTA# */
}

u32 vpci_config_read(const struct vpci_config *config, u32 offset, unsigned size)
{
    if (!IS_ALIGNED(offset, size))
        return (u32)vdev_ones(size);
    return offset < PCI_CONFIG_BYTES ? vpci_config_get(config, offset, size) : 0;
}

void vpci_config_write(struct vpci_config *config, u32 offset, unsigned size, u32 value)
{
    if (!IS_ALIGNED(offset, size) || offset >= PCI_CONFIG_BYTES)
        return;
    for (unsigned i = 0; i < size; i++) {
        u8 mask = config->writable[offset + i];
        u8 *byte = &config->bytes[offset + i];

        *byte = (u8)((*byte & ~mask) | ((value >> 8 * i) & mask));
    }
}

u64 vpci_config_bar(const struct vpci_config *config, unsigned index)
{
    u64 base = vpci_config_get(config, PCI_BAR(index), 4);

    if (config->kind[index] == VPCI_BAR_MEM64)
        base |= (u64)vpci_config_get(config, PCI_BAR(index + 1), 4) << 32;
    return base & ~(config->bar_bytes[index] - 1);
}

void vpci_config_set_bar(struct vpci_config *config, unsigned index, u64 base)
{
    vpci_config_write(config, PCI_BAR(index), 4, (u32)base);
    if (config->kind[index] == VPCI_BAR_MEM64)
        vpci_config_write(config, PCI_BAR(index + 1), 4, (u32)(base >> 32));
}
