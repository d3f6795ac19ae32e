/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Power of a VM: on, off, reset, pause, and what follows when a guest does one of these itself.
 * Private to core/vmm. Context: management task.
 */
#ifndef SOCLE_VMM_MACHINE_H
#define SOCLE_VMM_MACHINE_H

#include "core/lib/compiler.h"
#include "core/vmm/registry.h"

/* wake: called from any context when machine_poll has work. Context: boot. */
void machine_init(void (*wake)(void));

/*
 * Builds it from held images and runs it. The entry has no vm. Return: 0 (state RUNNING or PAUSED);
 * -ENOMEM, -EINVAL, -ENOSPC with *err filled (state unchanged, images still held).
 */
int machine_power_on(struct vmm_entry *entry, bool paused, struct vmm_error *err) must_check;

/* Stops and frees the VM if it exists, and lets go of its images. State STOPPED. */
void machine_power_off(struct vmm_entry *entry);

/* Builds it anew. On failure it is CRASHED with the reason. */
void machine_reset(struct vmm_entry *entry);

/*
 * Has the guest of a VM that exists make do with so much of its memory, and keeps that much for it.
 * Return: 0; -ENOMEM (*err filled): it has given memory back that somebody else has by now.
 */
int machine_set_memory(struct vmm_entry *entry, u64 target_bytes, struct vmm_error *err) must_check;

/* Gives a VM that exists the weight and the limit its definition has by now. */
void machine_set_share(struct vmm_entry *entry);

/* Deals with a VM that has stopped by itself, whose restart is due, or whose console goes to the
 * log. */
void machine_poll(struct vmm_entry *entry);

/* Asks for a machine_poll of every entry, and wakes management. Context: any. */
void machine_want_poll(void);

/* True once after somebody asked. */
bool machine_poll_wanted(void);

/* Wakes management then, or before if somebody asked for that. */
void machine_wake_at(u64 deadline_ns);

/* Finds and holds the images and volumes. Return: 0, -EINVAL, -EBUSY (a volume is in use), -ENOMEM
 * with *err filled. */
int machine_hold_images(struct vmm_entry *entry, struct vmm_error *err) must_check;
void machine_release_images(struct vmm_entry *entry);

/* Opens what the disks are on: machine_hold_images does it. Return: as that; some may be open then.
 */
int machine_open_disks(struct vmm_entry *entry, struct vmm_error *err) must_check;
void machine_close_disks(struct vmm_entry *entry);

/* One of them. volume: NULL: it is not open. */
int machine_open_disk(const struct vm_disk *disk, struct volume **out,
                      struct vmm_error *err) must_check;
void machine_close_disk(const struct vm_disk *disk, struct volume *volume);

/*
 * Has a VM that exists get the disk that `next` has more than its definition, at the end, and takes
 * `next` as its definition. Return: 0; as machine_hold_images; -ENOSPC; or the pool's error, with
 * *err filled: nothing has changed.
 */
int machine_plug_disk(struct vmm_entry *entry, const struct vm_config *next,
                      struct vmm_error *err) must_check;

/*
 * Takes a disk, by its place, out of the definition, lets go of what it is on, and takes it off the
 * guest if there is one: by force, a device that fails all requests is left until the guest has
 * given it up. Return: 0; or the pool's error with *err filled: nothing has changed.
 */
int machine_unplug_disk(struct vmm_entry *entry, u32 at, bool force,
                        struct vmm_error *err) must_check;

/* Asks the guest of a VM that exists to give a disk up. machine_poll goes on with it, and
 * entry->removal says how it ends. None is asked for yet. */
void machine_ask_disk(struct vmm_entry *entry, u32 at);

/* Deals with what became of it. The VM exists. */
void machine_poll_removal(struct vmm_entry *entry);

/* The VM is gone, and with it whoever was asked: ends what was asked. */
void machine_end_removal(struct vmm_entry *entry);

#endif
