/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Samples of NICs, networks and VMs' cards; the families they belong to are in api_metrics.c.
 * Context of all: management task.
 */
#ifndef SOCLE_MGMT_METRICS_NET_H
#define SOCLE_MGMT_METRICS_NET_H

#include "core/vmm/vmm.h"
#include "mgmt/json/json.h"

/* The host's cards. */
void metrics_nic_link(struct json_writer *w);
void metrics_nic_rx_frames(struct json_writer *w);
void metrics_nic_rx_bytes(struct json_writer *w);
void metrics_nic_rx_drops(struct json_writer *w);
void metrics_nic_rx_errors(struct json_writer *w);
void metrics_nic_tx_frames(struct json_writer *w);
void metrics_nic_tx_bytes(struct json_writer *w);
void metrics_nic_tx_segments(struct json_writer *w);
void metrics_nic_tx_drops(struct json_writer *w);
void metrics_nic_link_changes(struct json_writer *w);
void metrics_nic_resets(struct json_writer *w);

void metrics_network_ports(struct json_writer *w);
void metrics_nat_connections(struct json_writer *w);
void metrics_nat_packets(struct json_writer *w);
void metrics_nat_drops(struct json_writer *w);

/* The cards of one VM. */
void metrics_port_rx_frames(struct json_writer *w, const struct vmm_info *vm);
void metrics_port_rx_bytes(struct json_writer *w, const struct vmm_info *vm);
void metrics_port_rx_drops(struct json_writer *w, const struct vmm_info *vm);
void metrics_port_tx_frames(struct json_writer *w, const struct vmm_info *vm);
void metrics_port_tx_bytes(struct json_writer *w, const struct vmm_info *vm);
void metrics_port_tx_drops(struct json_writer *w, const struct vmm_info *vm);
void metrics_port_spoofed(struct json_writer *w, const struct vmm_info *vm);
void metrics_port_storms(struct json_writer *w, const struct vmm_info *vm);

#endif
