/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts for cloud-init between JSON and struct cloud_init. */
#ifndef SOCLE_MGMT_CLOUD_INIT_JSON_H
#define SOCLE_MGMT_CLOUD_INIT_JSON_H

#include "core/lib/compiler.h"
#include "core/vmm/cloud_init.h"
#include "mgmt/json/json.h"
#include "mgmt/api/vm_json.h"

/*
 * Reads an object with user_data, meta_data and network_config. *cloud: what members that are not
 * there are taken from, or NULL; it is released for the new one, which is the caller's and NULL if
 * no text is left. Return: 0; -EINVAL, -ENOMEM with *err filled: *cloud is what it was.
 */
int cloud_init_json_read(const struct json_doc *doc, const struct json_node *object,
                         const struct cloud_init **cloud, struct vm_json_error *err) must_check;

/* Writes the sizes: who may see a VM is not to see its passwords. */
void cloud_init_json_write(struct json_writer *w, const struct cloud_init *cloud);

#endif
