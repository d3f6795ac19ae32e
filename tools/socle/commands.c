/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of commands. */
#include "tools/socle/run_commands.h"

#define QUIET                                                                  \
    {                                                                          \
        .name = "quiet", .letter = 'q', .help = "names only, one in each line" \
    }

/* What `run`, `vm create` and `vm set` have in common. */
#define VM_OPTIONS                                                                            \
    {.name = "cpus", .value = "N", .help = "virtual CPUs"},                                   \
        {.name = "mem", .value = "SIZE", .help = "memory, as in 512M or 2G"},                 \
        {.name = "kernel",                                                                    \
         .value = "IMAGE",                                                                    \
         .kind = VALUE_IMAGE_OR_FILE,                                                         \
         .help = "what is booted"},                                                           \
        {.name = "initrd",                                                                    \
         .value = "IMAGE",                                                                    \
         .kind = VALUE_IMAGE_OR_FILE,                                                         \
         .help = "its initial RAM disk"},                                                     \
        {.name = "cmdline", .value = "TEXT", .help = "its command line"},                     \
        {.name = "firmware", .value = "KIND", .help = "direct (Linux) or pvh"},               \
        {.name = "net",                                                                       \
         .value = "NETWORK",                                                                  \
         .kind = VALUE_NETWORK,                                                               \
         .help = "a NIC there; may be repeated; none: no NIC"},                               \
        {.name = "weight", .value = "N", .help = "share of a CPU beside others, 1 to 10000"}, \
        {.name = "limit",                                                                     \
         .value = "N",                                                                        \
         .help = "most CPU time, in thousandths of one CPU; 0: no limit"},                    \
        {.name = "on-crash", .value = "ACTION", .help = "stop or restart"},                   \
    {                                                                                         \
        .name = "description", .value = "TEXT", .help = "a note"                              \
    }

/* What `run` and `vm create` have besides. */
#define CLOUD_INIT_OPTIONS                                        \
    {.name = "user-data",                                         \
     .value = "FILE",                                             \
     .kind = VALUE_FILE,                                          \
     .help = "what cloud-init is to do in the guest"},            \
        {.name = "network-config",                                \
         .value = "FILE",                                         \
         .kind = VALUE_FILE,                                      \
         .help = "how it is to set up the guest's network"},      \
    {                                                             \
        .name = "ssh-key", .value = "FILE", .kind = VALUE_FILE,   \
        .help = "public keys cloud-init lets in; may be repeated" \
    }

#define VM_ARG                  \
    {                           \
        {                       \
            "NAME", VALUE_VM, 0 \
        }                       \
    }

const struct option global_options[] = {
    {.name = "host",
     .value = "NAME",
     .kind = VALUE_HOST,
     .help = "the host: a name or URL that was connected to"},
    {.name = "json", .help = "print what the host answered, as JSON"},
    {.name = "help", .letter = 'h', .help = "what a command does and takes"},
    {.name = "version", .help = "the version of this program"},
    {0},
};

const char *const variables[][2] = {
    {"SOCLE_HOST", "the host, as --host"},
    {"SOCLE_TOKEN", "the token, in place of the stored one"},
    {"SOCLE_PIN",
     "the SHA-256 of the host's public key, as in sha256//BASE64, in place of the stored one"},
    {"XDG_CONFIG_HOME", "the folder of socle/hosts.json, in place of ~/.config"},
    {NULL, NULL},
};

const struct command commands[] = {
    {
        .words = "connect",
        .summary = "make a host known",
        .text = "Shows the SHA-256 of the host's certificate, to be compared with the one on its "
                "console, and stores URL, public key "
                "and token in ~/.config/socle/hosts.json. From then on nothing is sent to a host "
                "with another key. The host "
                "becomes the default of all commands. With --user the host is asked for a token "
                "of that user; the password is asked for, or read as a line where there is no "
                "terminal, and not stored.",
        .args = {{"URL", VALUE_TEXT, 0}},
        .options =
            {
                {.name = "name", .value = "NAME", .help = "what to call it (the URL's host)"},
                {.name = "token",
                 .value = "TOKEN",
                 .help = "what lets in, if the host has been claimed"},
                {.name = "user",
                 .value = "NAME",
                 .help = "ask for this user's password, and get a token for it"},
                {.name = "pin",
                 .value = "PIN",
                 .help = "the key's sha256//… or the certificate's SHA-256: do not ask"},
            },
        .run = run_connect,
    },
    {
        .words = "claim",
        .summary = "become the administrator of a new host",
        .text = "The code is on the host's console. The token it gives is stored beside the URL.",
        .args = {{"CODE", VALUE_TEXT, 0}},
        .options = {{.name = "user",
                     .value = "NAME",
                     .help = "who you are, for the host's audit log (admin)"},
                    {.name = "password",
                     .help = "also become a user with a password, which is asked for"}},
        .run = run_claim,
    },
    {.words = "status", .summary = "the host: version, CPUs, memory, VMs", .run = run_status},
    {
        .words = "log",
        .summary = "the host's log",
        .options = {{.name = "follow", .letter = 'f', .help = "go on until interrupted"},
                    {.name = "level",
                     .value = "LEVEL",
                     .help = "error, warn, info or debug: no less important ones"}},
        .run = run_log,
    },
    {
        .words = "reboot",
        .summary = "restart the host",
        .options = {{.name = "shutdown", .help = "have the guests switch themselves off first"},
                    {.name = "grace",
                     .value = "SECONDS",
                     .help = "how long they may take (120) before they are cut off"},
                    {.name = "force", .help = "even while VMs run: they are cut off"}},
        .run = run_reboot,
    },
    {
        .words = "poweroff",
        .summary = "switch the host off",
        .options = {{.name = "shutdown", .help = "have the guests switch themselves off first"},
                    {.name = "grace",
                     .value = "SECONDS",
                     .help = "how long they may take (120) before they are cut off"},
                    {.name = "force", .help = "even while VMs run: they are cut off"}},
        .run = run_poweroff,
    },
    {
        .words = "host network",
        .summary = "the host's own network: shown, or changed",
        .text = "Without options of its settings they are shown. A change is on trial until the "
                "host has been reached again, at its new address or the old one, and comes to an "
                "end by itself if that does not work. \"none\" takes a setting away.",
        .options = {{.name = "hostname", .value = "NAME", .help = "its name"},
                    {.name = "address", .value = "ADDRESS", .help = "as in 192.0.2.10/24"},
                    {.name = "gateway", .value = "ADDRESS", .help = "the router"},
                    {.name = "dns",
                     .value = "ADDRESS",
                     .help = "a name server in place of those of DHCP; may be repeated"},
                    {.name = "dhcp",
                     .value = "on|off",
                     .help = "on: the address is what it has without an answer"},
                    {.name = "vlan", .value = "N", .help = "tag of its frames; 0: none"},
                    {.name = "nic", .value = "NIC", .help = "the card; none: the first"},
                    {.name = "confirm-within",
                     .value = "SECONDS",
                     .help = "how long to try to reach it (60)"}},
        .run = run_host_network,
    },
    {
        .words = "host config get",
        .summary = "save the host's settings and networks",
        .text = "As JSON, on the terminal or in a file, for \"host config put\" on this host or "
                "another: there are no secrets in it. With --dtb it is a socle.dtb for the host's "
                "stick, with what it was booted with; then keep it like one.",
        .args = {{"FILE", VALUE_FILE, 1}},
        .options = {{.name = "dtb", .help = "as the device tree a host is booted with"}},
        .run = run_host_config_get,
    },
    {
        .words = "host config put",
        .summary = "put saved settings and networks back",
        .text = "All of them or, if one cannot be, none. Networks that are not in the file are "
                "deleted. If the host's own network changes it is reached again to confirm that, "
                "or has its own settings back.",
        .args = {{"FILE", VALUE_FILE, 0}},
        .run = run_host_config_put,
    },
    {
        .words = "run",
        .summary = "upload what is a file, create a VM and start it",
        .text = "What is booted is on the disk image, raw or qcow2, of which the VM gets a volume "
                "NAME: kernel and initrd are found in its ext4 file systems, as its boot loader "
                "would. Or --kernel and --initrd name them. All three are files, which are "
                "uploaded as NAME-disk, NAME-kernel and NAME-initrd, or names of images on the "
                "host. "
                "Without options the VM has one CPU, 512 MiB, the console ttyS0, and a NIC on the "
                "network \"default\" "
                "if the host has one. With -it its console is attached; \"~.\" at the beginning of "
                "a line leaves it.",
        .args = {{"NAME", VALUE_TEXT, 0}},
        .options = {{.name = "image",
                     .value = "IMAGE",
                     .kind = VALUE_IMAGE_OR_FILE,
                     .help = "its disk, which is booted"},
                    {.name = "disk-size",
                     .value = "SIZE",
                     .help = "the disk is to be larger than its image"},
                    {.name = "pool",
                     .value = "POOL",
                     .kind = VALUE_POOL,
                     .help = "where the disk is; ram: in the host's memory (the first pool)"},
                    VM_OPTIONS,
                    CLOUD_INIT_OPTIONS,
                    {.name = "interactive",
                     .letter = 'i',
                     .help = "attach the console, as \"vm console\" does"},
                    {.name = "tty", .letter = 't', .help = "the same"},
                    {.name = "replace", .help = "even if a VM of that name exists and is stopped"}},
        .run = run_run,
    },
    {.words = "vm list", .summary = "the VMs", .options = {QUIET}, .run = run_vm_list},
    {.words = "vm show", .summary = "one VM in full", .args = VM_ARG, .run = run_vm_show},
    {
        .words = "vm create",
        .summary = "define a VM, without starting it",
        .args = {{"NAME", VALUE_TEXT, 0}},
        .options = {VM_OPTIONS,
                    CLOUD_INIT_OPTIONS,
                    {.name = "file",
                     .value = "FILE",
                     .kind = VALUE_FILE,
                     .help = "begin with this definition, in JSON"},
                    {.name = "replace", .help = "even if a VM of that name exists and is stopped"}},
        .run = run_vm_create,
    },
    {
        .words = "vm set",
        .summary = "change a VM",
        .text = "Description, weight, limit and balloon change while it runs; the rest when it is "
                "stopped.",
        .args = VM_ARG,
        .options = {VM_OPTIONS,
                    {.name = "balloon",
                     .value = "SIZE",
                     .help = "memory it is asked to make do with; none: all of it"}},
        .run = run_vm_set,
    },
    {.words = "vm start", .summary = "switch it on", .args = VM_ARG, .run = run_vm_power},
    {
        .words = "vm shutdown",
        .summary = "press its power button, and wait until it is off",
        .args = VM_ARG,
        .options = {{.name = "grace",
                     .value = "SECONDS",
                     .help = "how long the guest may take (600)"},
                    {.name = "force", .letter = 'f', .help = "switch it off when that is over"},
                    {.name = "detach", .letter = 'd', .help = "do not wait"}},
        .run = run_vm_shutdown,
    },
    {.words = "vm stop", .summary = "switch it off at once", .args = VM_ARG, .run = run_vm_power},
    {.words = "vm pause", .summary = "hold its CPUs", .args = VM_ARG, .run = run_vm_power},
    {.words = "vm resume", .summary = "let them go on", .args = VM_ARG, .run = run_vm_power},
    {.words = "vm reset", .summary = "press its reset button", .args = VM_ARG, .run = run_vm_power},
    {
        .words = "vm rm",
        .summary = "delete its definition",
        .args = VM_ARG,
        .options = {{.name = "force", .letter = 'f', .help = "even while it runs"}},
        .run = run_vm_rm,
    },
    {
        .words = "vm console",
        .summary = "its serial console",
        .text = "Keys go to the guest as they are. \"~.\" at the beginning of a line leaves the "
                "console, \"~~\" there is one \"~\".",
        .args = VM_ARG,
        .run = run_vm_console,
    },
    {
        .words = "vm log",
        .summary = "what its console has shown",
        .args = VM_ARG,
        .options = {{.name = "follow", .letter = 'f', .help = "go on until interrupted"}},
        .run = run_vm_log,
    },
    {
        .words = "vm attach",
        .summary = "give it a volume as a disk, also while it runs",
        .args = {{"NAME", VALUE_VM, 0}, {"VOLUME", VALUE_VOLUME, 0}},
        .options = {{.name = "id", .value = "ID", .help = "what the VM calls it (VOLUME)"},
                    {.name = "read-only", .help = "it cannot be written to"}},
        .run = run_vm_attach,
    },
    {
        .words = "vm detach",
        .summary = "take a disk away from it",
        .text = "A running guest is asked to give the disk up, and has 30 seconds.",
        .args = {{"NAME", VALUE_VM, 0}, {"ID", VALUE_TEXT, 0}},
        .options = {{.name = "force", .letter = 'f', .help = "without asking the guest"}},
        .run = run_vm_detach,
    },
    {.words = "vm exits",
     .summary = "where its time goes: exits by reason",
     .args = VM_ARG,
     .run = run_vm_exits},
    {.words = "image list", .summary = "the images", .options = {QUIET}, .run = run_image_list},
    {
        .words = "image upload",
        .summary = "bring a file to the host",
        .text = "Its kind is seen from its first bytes, if --kind does not say it. The host's "
                "SHA-256 is compared with the file's. When the connection breaks it is made "
                "anew, and the upload goes on where the host has it.",
        .args = {{"FILE", VALUE_FILE, 0}, {"NAME", VALUE_IMAGE, 1}},
        .options = {{.name = "kind", .value = "KIND", .help = "kernel, initrd, iso, qcow2 or raw"}},
        .run = run_image_upload,
    },
    {
        .words = "image pull",
        .summary = "let the host fetch a file by its URL",
        .text = "With http:// the file's SHA-256 must be given. With https:// the host must be "
                "told whom to trust, for it has no list of certificate authorities: --ca or "
                "--cert-sha256. Interrupting this command does not end the pull: \"task cancel\" "
                "does.",
        .args = {{"NAME", VALUE_TEXT, 0}, {"URL", VALUE_TEXT, 0}},
        .options =
            {{.name = "sha256", .value = "HEX", .help = "of the file"},
             {.name = "kind", .value = "KIND", .help = "kernel, initrd, iso, qcow2 or raw (raw)"},
             {.name = "pool",
              .value = "POOL",
              .kind = VALUE_POOL,
              .help = "where; ram: in the host's memory (the first pool)"},
             {.name = "ca",
              .value = "FILE",
              .kind = VALUE_FILE,
              .help = "PEM of the authority that the server's certificate is by"},
             {.name = "cert-sha256",
              .value = "HEX",
              .help = "of the server's certificate, in place of --ca"},
             {.name = "detach", .letter = 'd', .help = "print the task's id and do not wait"}},
        .run = run_image_pull,
    },
    {.words = "image rm",
     .summary = "delete an image",
     .args = {{"NAME", VALUE_IMAGE, 0}},
     .run = run_image_rm},
    {.words = "volume list", .summary = "the volumes", .options = {QUIET}, .run = run_volume_list},
    {
        .words = "volume create",
        .summary = "make a volume",
        .args = {{"NAME", VALUE_TEXT, 0}},
        .options = {{.name = "size", .value = "SIZE", .help = "as in 512M or 20G"},
                    {.name = "pool",
                     .value = "POOL",
                     .kind = VALUE_POOL,
                     .help = "where; ram: in the host's memory (the first pool)"},
                    {.name = "image",
                     .value = "IMAGE",
                     .kind = VALUE_IMAGE,
                     .help = "what it holds at first"},
                    {.name = "export",
                     .value = "EXPORT",
                     .help = "in a pool on an NBD server: what the server calls it"},
                    {.name = "read-only", .help = "it cannot be written to"}},
        .run = run_volume_create,
    },
    {.words = "volume snapshot",
     .summary = "keep what a volume holds now",
     .args = {{"NAME", VALUE_TEXT, 0}, {"VOLUME", VALUE_VOLUME, 0}},
     .run = run_volume_snapshot},
    {.words = "volume clone",
     .summary = "make a volume of a snapshot",
     .args = {{"NAME", VALUE_TEXT, 0}, {"SNAPSHOT", VALUE_VOLUME, 0}},
     .run = run_volume_clone},
    {.words = "volume grow",
     .summary = "make a volume larger, also while it is used",
     .args = {{"NAME", VALUE_VOLUME, 0}, {"SIZE", VALUE_TEXT, 0}},
     .run = run_volume_grow},
    {
        .words = "volume export",
        .summary = "let qemu-img, nbdcopy and the like copy a volume",
        .text = "Prints the export's URI, which is shown only this once: whoever has it may read "
                "the volume, and write to it, until \"volume unexport\" or until the token that "
                "made it ends.",
        .args = {{"NAME", VALUE_VOLUME, 0}},
        .options = {{.name = "read-only", .help = "many may read it, nobody may write to it"},
                    {.name = "no-tls", .help = "also for tools that have no TLS"}},
        .run = run_volume_export,
    },
    {.words = "volume unexport",
     .summary = "end that",
     .args = {{"NAME", VALUE_VOLUME, 0}},
     .run = run_volume_unexport},
    {.words = "volume rm",
     .summary = "delete a volume",
     .args = {{"NAME", VALUE_VOLUME, 0}},
     .run = run_volume_rm},
    {.words = "pool list",
     .summary = "the disks and servers that keep volumes",
     .options = {QUIET},
     .run = run_pool_list},
    {
        .words = "pool create",
        .summary = "use a disk, or an NBD server, for volumes",
        .text =
            "A disk that holds a pool is taken into use with all that is on it. With --format a "
            "pool is made on an empty one. With --nbd the volumes are exports of that server, "
            "made known by \"volume create --pool NAME --export EXPORT\".",
        .args = {{"NAME", VALUE_TEXT, 0}, {"DISK", VALUE_DISK, 1}},
        .options = {{.name = "partition",
                     .value = "N",
                     .help = "of the disk; 0, with --format: all"},
                    {.name = "format", .help = "make a new pool; refused if there are data"},
                    {.name = "erase", .help = "make a new pool, and lose what is there"},
                    {.name = "nbd",
                     .value = "SERVER",
                     .help = "HOST or HOST:PORT (10809) of an NBD server, in place of DISK"},
                    {.name = "ca",
                     .value = "FILE",
                     .kind = VALUE_FILE,
                     .help = "with TLS: PEM of the authority that its certificate is by"},
                    {.name = "cert-sha256",
                     .value = "HEX",
                     .help = "with TLS: of its certificate, in place of --ca"}},
        .run = run_pool_create,
    },
    {.words = "pool rm",
     .summary = "let a pool's disk go; nothing on it is deleted",
     .args = {{"NAME", VALUE_POOL, 0}},
     .run = run_pool_rm},
    {.words = "network list",
     .summary = "the networks",
     .options = {QUIET},
     .run = run_network_list},
    {
        .words = "network create",
        .summary = "define a network",
        .args = {{"NAME", VALUE_TEXT, 0}},
        .options = {{.name = "kind",
                     .value = "KIND",
                     .help = "isolated (the default), nat or bridge"},
                    {.name = "uplink",
                     .value = "NIC",
                     .help = "of a bridge: a NIC's PCI address (the first)"},
                    {.name = "vlan", .value = "N", .help = "of a bridge: 1 to 4094"},
                    {.name = "mtu", .value = "N", .help = "576 to what the uplink takes"}},
        .run = run_network_create,
    },
    {.words = "network rm",
     .summary = "delete a network",
     .args = {{"NAME", VALUE_NETWORK, 0}},
     .run = run_network_rm},
    {.words = "disk list", .summary = "the host's disks", .options = {QUIET}, .run = run_disk_list},
    {.words = "nic list",
     .summary = "the host's network cards",
     .options = {QUIET},
     .run = run_nic_list},
    {.words = "task list",
     .summary = "what the host is doing, and has done",
     .options = {QUIET},
     .run = run_task_list},
    {.words = "task show",
     .summary = "one task",
     .args = {{"ID", VALUE_TASK, 0}},
     .run = run_task_show},
    {.words = "task wait",
     .summary = "wait until a task has ended",
     .text = "The exit status is 0 if it has succeeded.",
     .args = {{"ID", VALUE_TASK, 0}},
     .run = run_task_wait},
    {.words = "task cancel",
     .summary = "end a task",
     .args = {{"ID", VALUE_TASK, 0}},
     .run = run_task_cancel},
    {.words = "token list",
     .summary = "who may come in",
     .options = {QUIET},
     .run = run_token_list},
    {
        .words = "token create",
        .summary = "let somebody in",
        .text = "The token is shown only this once.",
        .options =
            {{.name = "role", .value = "ROLE", .help = "viewer (the default), operator or admin"},
             {.name = "user", .value = "NAME", .help = "whose it is (yours)"},
             {.name = "expires", .value = "TIME", .help = "until when, as in 2030-01-31T12:00:00Z"},
             {.name = "vm-tag",
              .value = "TAG",
              .help = "only to use VMs with this tag; may be repeated"}},
        .run = run_token_create,
    },
    {.words = "token rm",
     .summary = "end a token",
     .args = {{"ID", VALUE_TOKEN, 0}},
     .run = run_token_rm},
    {.words = "user list",
     .summary = "who may come in by a password or a certificate",
     .options = {QUIET},
     .run = run_user_list},
    {
        .words = "user put",
        .summary = "make or change a user",
        .text = "What is not named stays as it is. A change ends the user's sessions.",
        .args = {{"NAME", VALUE_USER, 0}},
        .options = {{.name = "role",
                     .value = "ROLE",
                     .help = "viewer, operator or admin; a new user needs one"},
                    {.name = "password", .help = "ask for a new password, or read a line"},
                    {.name = "no-password", .help = "take the password away"},
                    {.name = "cert",
                     .value = "CERT",
                     .help = "the SHA-256 of a client certificate, or a name in it; may be "
                             "repeated; \"\": none"}},
        .run = run_user_put,
    },
    {.words = "user rm",
     .summary = "end a user and his tokens",
     .args = {{"NAME", VALUE_USER, 0}},
     .run = run_user_rm},
    {
        .words = "api",
        .summary = "one request of the REST API, as it is",
        .text = "The answer's body goes to standard output. A path that does not begin with /api "
                "or /metrics is meant below /api/v1.",
        .args = {{"METHOD", VALUE_TEXT, 0}, {"PATH", VALUE_TEXT, 0}},
        .options = {{.name = "data",
                     .value = "JSON",
                     .help = "the request's body; @FILE: from a file, as octets"}},
        .run = run_api,
    },
    {.words = "help", .summary = "all commands", .run = run_help},
    {
        .words = "completion",
        .summary = "completion of the command line for bash",
        .text = "source <(socle completion)",
        .run = run_completion,
    },
    {.words = "manual",
     .summary = "the manual page, in roff",
     .text = "socle manual | man -l -",
     .run = run_man},
    {0},
};
