/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers and structures of AHCI host bus adapters, and ATA's commands. Spec: Serial ATA AHCI
 * 1.3.1; ATA/ATAPI Command Set (ACS-3). */
#ifndef SOCLE_BLOCK_AHCI_REGS_H
#define SOCLE_BLOCK_AHCI_REGS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define AHCI_PORTS_MAX 32u
#define AHCI_BAR       5u

/* Generic host control. */
#define AHCI_CAP  0x00u
#define AHCI_GHC  0x04u
#define AHCI_IS   0x08u
#define AHCI_PI   0x0cu
#define AHCI_CAP2 0x24u
#define AHCI_BOHC 0x28u

#define AHCI_CAP_NCS  0x00001f00u /* command slots, less one */
#define AHCI_CAP_SSS  0x08000000u /* disks spin up when they are told */
#define AHCI_CAP_SNCQ 0x40000000u
#define AHCI_CAP_S64A 0x80000000u
#define AHCI_GHC_HR   0x00000001u
#define AHCI_GHC_IE   0x00000002u
#define AHCI_GHC_AE   0x80000000u
#define AHCI_CAP2_BOH 0x00000001u
#define AHCI_BOHC_BOS 0x00000001u
#define AHCI_BOHC_OOS 0x00000002u
#define AHCI_BOHC_BB  0x00000010u

/* Port registers, from AHCI_PORT(n) on. */
#define AHCI_PORT(n) (0x100u + 0x80u * (n))
#define AHCI_PX_CLB  0x00u
#define AHCI_PX_FB   0x08u
#define AHCI_PX_IS   0x10u
#define AHCI_PX_IE   0x14u
#define AHCI_PX_CMD  0x18u
#define AHCI_PX_TFD  0x20u
#define AHCI_PX_SIG  0x24u
#define AHCI_PX_SSTS 0x28u
#define AHCI_PX_SCTL 0x2cu
#define AHCI_PX_SERR 0x30u
#define AHCI_PX_SACT 0x34u
#define AHCI_PX_CI   0x38u

#define AHCI_CMD_ST         0x00000001u
#define AHCI_CMD_SUD        0x00000002u
#define AHCI_CMD_POD        0x00000004u
#define AHCI_CMD_FRE        0x00000010u
#define AHCI_CMD_FR         0x00004000u
#define AHCI_CMD_CR         0x00008000u
#define AHCI_CMD_ICC        0xf0000000u
#define AHCI_CMD_ICC_ACTIVE 0x10000000u

#define AHCI_IS_DHRS 0x00000001u /* a command has ended */
#define AHCI_IS_SDBS 0x00000008u /* queued ones have */
#define AHCI_IS_PCS  0x00000040u /* something was plugged in */
#define AHCI_IS_PRCS 0x00400000u /* the link came or went */
#define AHCI_IS_OFS  0x01000000u
#define AHCI_IS_IFS  0x08000000u
#define AHCI_IS_HBDS 0x10000000u
#define AHCI_IS_HBFS 0x20000000u
#define AHCI_IS_TFES 0x40000000u /* the device reports an error */

#define AHCI_IS_LINK   (AHCI_IS_PCS | AHCI_IS_PRCS)
#define AHCI_IS_ERRORS (AHCI_IS_OFS | AHCI_IS_IFS | AHCI_IS_HBDS | AHCI_IS_HBFS | AHCI_IS_TFES)

#define AHCI_TFD_ERR  0x01u
#define AHCI_TFD_DRQ  0x08u
#define AHCI_TFD_BSY  0x80u
#define AHCI_SSTS_DET 0x0fu
#define AHCI_DET_UP   0x03u /* a device, and the link works */
#define AHCI_SCTL_DET 0x0fu
#define AHCI_DET_INIT 0x01u /* COMRESET */

#define AHCI_SIG_ATA   0x00000101u
#define AHCI_SIG_ATAPI 0xeb140101u

/* Spec: "Command List Structure". */
struct ahci_header {
    u32 flags;
    u32 bytes_done;
    u64 table;
    u32 reserved[4];
};
_Static_assert(sizeof(struct ahci_header) == 32, "command header");

#define AHCI_HEADER_CFL   0x0000001fu /* length of the FIS in words of 32 bits */
#define AHCI_HEADER_WRITE 0x00000040u
#define AHCI_HEADER_PRDTL 0xffff0000u

/* Spec: "Physical Region Descriptor Table". */
struct ahci_region {
    u64 address;
    u32 reserved;
    u32 bytes; /* less one; bit 31: interrupt */
};
_Static_assert(sizeof(struct ahci_region) == 16, "region descriptor");

#define AHCI_REGIONS_MAX 56u /* what fits: tables are one kilobyte */

struct ahci_table {
    u8 fis[64];
    u8 atapi[16];
    u8 reserved[48];
    struct ahci_region regions[AHCI_REGIONS_MAX];
};
_Static_assert(sizeof(struct ahci_table) == 1024, "command table");

/* Spec: "Register FIS - Host to Device". */
struct ata_fis {
    u8 type;
    u8 flags;
    u8 command;
    u8 features;
    u8 lba0, lba1, lba2;
    u8 device;
    u8 lba3, lba4, lba5;
    u8 features_high;
    u8 count, count_high;
    u8 icc;
    u8 control;
    u32 auxiliary;
};
_Static_assert(sizeof(struct ata_fis) == 20, "register FIS");

#define ATA_FIS_H2D     0x27u
#define ATA_FIS_COMMAND 0x80u
#define ATA_DEVICE_LBA  0x40u

#define ATA_DSM           0x06u
#define ATA_READ_EXT      0x25u
#define ATA_READ_LOG      0x2fu
#define ATA_WRITE_EXT     0x35u
#define ATA_READ_FPDMA    0x60u
#define ATA_WRITE_FPDMA   0x61u
#define ATA_STANDBY       0xe0u
#define ATA_FLUSH_EXT     0xeau
#define ATA_IDENTIFY      0xecu
#define ATA_DSM_TRIM      0x01u
#define ATA_SECTOR_BYTES  512u /* of what is not the disk's content */
#define ATA_TRIM_ENTRIES  64u
#define ATA_TRIM_BLOCKS   65535u
#define ATA_LOG_NCQ_ERROR 0x10u
#define ATA_NCQ_ERROR_NQ  0x80u
#define ATA_NCQ_ERROR_TAG 0x1fu

#endif
