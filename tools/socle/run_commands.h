/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions behind the rows of commands.c. */
#ifndef SOCLE_CLI_RUN_COMMANDS_H
#define SOCLE_CLI_RUN_COMMANDS_H

#include "tools/socle/cli.h"

enum outcome run_connect(struct cli *cli);
enum outcome run_claim(struct cli *cli);
enum outcome run_status(struct cli *cli);
enum outcome run_log(struct cli *cli);
enum outcome run_reboot(struct cli *cli);
enum outcome run_poweroff(struct cli *cli);
enum outcome run_host_network(struct cli *cli);
enum outcome run_host_config_get(struct cli *cli);
enum outcome run_host_config_put(struct cli *cli);
enum outcome run_run(struct cli *cli);
enum outcome run_vm_list(struct cli *cli);
enum outcome run_vm_show(struct cli *cli);
enum outcome run_vm_create(struct cli *cli);
enum outcome run_vm_set(struct cli *cli);
enum outcome run_vm_power(struct cli *cli); /* start, stop, pause, resume, reset */
enum outcome run_vm_shutdown(struct cli *cli);
enum outcome run_vm_rm(struct cli *cli);
enum outcome run_vm_console(struct cli *cli);
enum outcome run_vm_log(struct cli *cli);
enum outcome run_vm_exits(struct cli *cli);
enum outcome run_image_list(struct cli *cli);
enum outcome run_image_upload(struct cli *cli);
enum outcome run_image_pull(struct cli *cli);
enum outcome run_image_rm(struct cli *cli);
enum outcome run_vm_attach(struct cli *cli);
enum outcome run_vm_detach(struct cli *cli);
enum outcome run_volume_list(struct cli *cli);
enum outcome run_volume_create(struct cli *cli);
enum outcome run_volume_snapshot(struct cli *cli);
enum outcome run_volume_clone(struct cli *cli);
enum outcome run_volume_grow(struct cli *cli);
enum outcome run_volume_export(struct cli *cli);
enum outcome run_volume_unexport(struct cli *cli);
enum outcome run_volume_rm(struct cli *cli);
enum outcome run_pool_list(struct cli *cli);
enum outcome run_pool_create(struct cli *cli);
enum outcome run_pool_rm(struct cli *cli);
enum outcome run_network_list(struct cli *cli);
enum outcome run_network_create(struct cli *cli);
enum outcome run_network_rm(struct cli *cli);
enum outcome run_disk_list(struct cli *cli);
enum outcome run_nic_list(struct cli *cli);
enum outcome run_task_list(struct cli *cli);
enum outcome run_task_show(struct cli *cli);
enum outcome run_task_wait(struct cli *cli);
enum outcome run_task_cancel(struct cli *cli);
enum outcome run_token_list(struct cli *cli);
enum outcome run_token_create(struct cli *cli);
enum outcome run_token_rm(struct cli *cli);
enum outcome run_user_list(struct cli *cli);
enum outcome run_user_put(struct cli *cli);
enum outcome run_user_rm(struct cli *cli);
enum outcome run_api(struct cli *cli);
enum outcome run_help(struct cli *cli);
enum outcome run_completion(struct cli *cli);
enum outcome run_man(struct cli *cli);

#endif
