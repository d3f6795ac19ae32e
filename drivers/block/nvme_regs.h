/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers, commands and answers of NVMe controllers. Spec: NVM Express Base 1.4. */
#ifndef SOCLE_BLOCK_NVME_REGS_H
#define SOCLE_BLOCK_NVME_REGS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* Controller registers. */
#define NVME_CAP       0x00u
#define NVME_VS        0x08u
#define NVME_INTMS     0x0cu
#define NVME_INTMC     0x10u
#define NVME_CC        0x14u
#define NVME_CSTS      0x1cu
#define NVME_AQA       0x24u
#define NVME_ASQ       0x28u
#define NVME_ACQ       0x30u
#define NVME_DOORBELLS 0x1000u

#define NVME_CAP_MQES   0x000000000000ffffull /* entries of a queue, less one */
#define NVME_CAP_TO     0x00000000ff000000ull /* units of 500 ms */
#define NVME_CAP_DSTRD  0x0000000f00000000ull
#define NVME_CAP_CSS    0x00001fe000000000ull
#define NVME_CAP_MPSMIN 0x000f000000000000ull
#define NVME_CAP_TO_NS  500000000ull
#define NVME_CSS_NVM    0x01u

#define NVME_CC_EN     0x00000001u
#define NVME_CC_SHN    0x0000c000u
#define NVME_CC_IOSQES 0x000f0000u
#define NVME_CC_IOCQES 0x00f00000u

#define NVME_CSTS_RDY       0x01u
#define NVME_CSTS_CFS       0x02u
#define NVME_CSTS_SHST      0x0cu
#define NVME_CSTS_SHST_DONE 0x08u
#define NVME_GONE           0xffffffffu /* what an absent device reads as */

#define NVME_VERSION_1_1 0x00010100u

/* Admin commands. */
#define NVME_ADMIN_CREATE_SQ    0x01u
#define NVME_ADMIN_LOG_PAGE     0x02u
#define NVME_ADMIN_CREATE_CQ    0x05u
#define NVME_ADMIN_IDENTIFY     0x06u
#define NVME_ADMIN_ABORT        0x08u
#define NVME_ADMIN_SET_FEATURES 0x09u

#define NVME_CNS_NAMESPACE  0x00u
#define NVME_CNS_CONTROLLER 0x01u
#define NVME_CNS_ACTIVE     0x02u
#define NVME_FEATURE_QUEUES 0x07u
#define NVME_LOG_SMART      0x02u
#define NVME_QUEUE_PC       0x1u /* physically contiguous */
#define NVME_QUEUE_IEN      0x2u /* interrupts */
#define NVME_NSID_ALL       0xffffffffu

/* Commands of the NVM command set. */
#define NVME_FLUSH        0x00u
#define NVME_WRITE        0x01u
#define NVME_READ         0x02u
#define NVME_WRITE_ZEROES 0x08u
#define NVME_DSM          0x09u
#define NVME_DSM_AD       0x4u /* deallocate */
#define NVME_BLOCKS_MAX   65536u

/* Flags of a command. Spec: "Common Command Format", PSDT. */
#define NVME_FLAGS_SGL 0x40u /* prp1 and prp2 are an SGL descriptor */

/* Spec: "Scatter Gather List (SGL)". */
struct nvme_sgl {
    u64 address;
    u32 bytes;
    u8 reserved[3];
    u8 type;
};
_Static_assert(sizeof(struct nvme_sgl) == 16, "SGL descriptor");

#define NVME_SGL_DATA         0x00u
#define NVME_SGL_LAST_SEGMENT 0x30u

struct nvme_sqe {
    u8 opcode;
    u8 flags;
    u16 cid;
    u32 nsid;
    u32 cdw2, cdw3;
    u64 mptr;
    union {
        struct {
            u64 prp1, prp2;
        };
        struct nvme_sgl sgl1;
    };
    u32 cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};
_Static_assert(sizeof(struct nvme_sqe) == 64, "submission queue entry");

struct nvme_cqe {
    u32 result;
    u32 reserved;
    u16 sq_head;
    u16 sq_id;
    u16 cid;
    u16 status; /* with the phase tag */
};
_Static_assert(sizeof(struct nvme_cqe) == 16, "completion queue entry");

#define NVME_STATUS_PHASE 0x0001u
#define NVME_STATUS_CODE  0x0ffeu /* status code and its type */

/* Type and code, as FIELD_GET(NVME_STATUS_CODE) gives them. */
#define NVME_SC_SUCCESS           0x000u
#define NVME_SC_ABORT_REQUESTED   0x007u
#define NVME_SC_ABORT_SQ_DELETED  0x008u
#define NVME_SC_INVALID_NAMESPACE 0x00bu

struct nvme_dsm_range {
    u32 attributes;
    u32 blocks;
    u64 lba;
};
_Static_assert(sizeof(struct nvme_dsm_range) == 16, "range of a dataset management command");

/* Offsets in what Identify gives. Spec: "Identify Controller Data Structure", "Identify Namespace
 * Data Structure". */
#define NVME_ID_BYTES  4096u
#define NVME_ID_SN     4u
#define NVME_ID_SN_LEN 20u
#define NVME_ID_MN     24u
#define NVME_ID_MN_LEN 40u
#define NVME_ID_MDTS   77u
#define NVME_ID_NN     516u
#define NVME_ID_ONCS   520u
#define NVME_ID_VWC    525u
#define NVME_ID_SGLS   536u

#define NVME_ONCS_DSM          0x04u
#define NVME_ONCS_WRITE_ZEROES 0x08u
#define NVME_VWC_PRESENT       0x01u
#define NVME_SGLS_SUPPORT      0x03u /* at any address, or at multiples of four */

#define NVME_ID_NS_NSZE   0u
#define NVME_ID_NS_NLBAF  25u
#define NVME_ID_NS_FLBAS  26u
#define NVME_ID_NS_ATTR   99u
#define NVME_ID_NS_LBAF   128u
#define NVME_FLBAS_FORMAT 0x0fu
#define NVME_NS_ATTR_WP   0x01u /* write protected */
#define NVME_LBAF_MS      0x0000ffffu
#define NVME_LBAF_LBADS   0x00ff0000u

/* Offsets in the SMART log. */
#define NVME_SMART_BYTES 512u
#define NVME_SMART_TEMP  1u
#define NVME_SMART_USED  5u

#endif
