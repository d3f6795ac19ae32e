# SPDX-License-Identifier: BSD-2-Clause
"""Proves that arrows point downwards: by the #include graph, and by the symbols of each layer linked with all below.

Archive order does not catch cycles; `ld -r` of a layer plus everything beneath it must leave nothing undefined.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
OBJ = os.path.join(ROOT, "build", "obj")

# Folder -> folders it may include from, besides itself.
L0 = {"core/lib", "core/x86", "core", "boot"}   # core: config.h; boot: boot_info.h, ap_trampoline.h
L1 = L0 | {"mm"}
L2 = L1 | {"core/kern"}
DRIVERS = L2 | {"drivers", "drivers/acpi", "drivers/pci", "drivers/console", "drivers/net", "drivers/net/nat", "drivers/virtio"}
L3 = L2 | {"core/vm"}
MAY_INCLUDE = {
    "core/lib": set(),
    "core/store": {"core/lib"},                  # pure: the host tool is the same code
    "core/x86": L0 | {"mm"},                     # mm/layout.h: the address map is everybody's
    "mm": L1,
    "core/kern": L2,
    "drivers/acpi": DRIVERS, "drivers/pci": DRIVERS, "drivers/console": DRIVERS, "drivers/net": DRIVERS,
    "drivers/net/nat": DRIVERS, "drivers/virtio": DRIVERS,
    "drivers/block": DRIVERS | {"core/store"}, "drivers": DRIVERS,
    "svm": L2 | {"core/vm"},
    "vmx": L2 | {"core/vm"},
    "core/vm": L3,
    "core/vdev": L3 | {"core/vmm", "drivers/net", "drivers/block"},   # core/vmm/guest_layout.h: the board, plain numbers
    "core/vmm": L3 | {"core/vdev", "core/store", "drivers/net", "drivers/block"},
    "mgmt": L2 | {"core/vm", "core/vmm", "drivers/net", "drivers/net/nat", "drivers/block", "drivers/pci", "mgmt",
             "mgmt/port"},
    "mgmt/port": L2 | {"mgmt"},
    "boot": L0 | {"mm", "boot"},
    "tools/socle": {"core/lib"},
}
# Where only some headers of a folder are meant.
ONLY = {
    ("core/x86", "mm"): {"mm/layout.h"},
    ("core/x86", "boot"): {"boot/boot_info.h", "boot/ap_trampoline.h"},
    ("boot", "mm"): {"mm/layout.h"},
    ("svm", "core/vm"): {"core/vm/hvm_ops.h", "core/vm/vm_exit.h", "core/vm/vm.h", "core/vm/vcpu.h"},
    ("vmx", "core/vm"): {"core/vm/hvm_ops.h", "core/vm/vm_exit.h", "core/vm/vm.h", "core/vm/vcpu.h"},
    ("core/vdev", "core/vmm"): {"core/vmm/guest_layout.h"},
    ("core/vdev", "drivers/net"): {"drivers/net/inet.h", "drivers/net/net_limit.h", "drivers/net/netport.h", "drivers/net/pktbuf.h",
                                   "drivers/net/pktbuf_csum.h", "drivers/net/tcp_segment.h"},
    ("core/vdev", "drivers/block"): {"drivers/block/blk.h", "drivers/block/volume.h"},
    ("core/vmm", "drivers/net"): {"drivers/net/netport.h", "drivers/net/network.h"},
    ("core/vmm", "drivers/block"): {"drivers/block/blk.h", "drivers/block/gpt.h", "drivers/block/pool.h",
                                    "drivers/block/pool_disk.h", "drivers/block/volume.h", "drivers/block/volume_disk.h",
                                    "drivers/block/volume_pool.h", "drivers/block/volume_ram.h"},
    ("core/vmm", "core/store"): {"core/store/store.h", "core/store/store_format.h"},
    ("mgmt", "core/vm"): {"core/vm/vm_exit.h"},
    ("mgmt", "drivers/pci"): {"drivers/pci/pci.h"},
}
# Layers by symbols, lowest first; each is linked with all before it.
SYMBOL_LAYERS = [
    ("core/lib + core/x86", ["core/lib", "core/x86", "boot", "deps/dtc"]),
    ("mm", ["mm"]),
    ("core/kern", ["core/kern"]),
]
# Networks and disks, with what their drivers stand on.
NET = ["drivers/net", "drivers/block", "core/store", "drivers/net/nat", "drivers/virtio", "drivers/pci", "drivers/acpi"]
# Then each of these alone on top of the three, or on top of what is named.
SYMBOL_TOPS = [
    ("core/store", ["core/store"], []),
    ("drivers", ["drivers/acpi", "drivers/pci", "drivers/console", "drivers/net", "drivers/net/nat", "drivers/virtio",
                 "drivers/block"], ["core/store"]),
    ("core/vm", ["core/vm", "deps/zydis"], []),
    ("core/vdev", ["core/vdev"], ["core/vm", "deps/zydis", *NET]),
    ("core/vmm", ["core/vmm", "deps/zlib"], ["core/vm", "deps/zydis", "core/vdev", *NET]),
    ("mgmt", ["mgmt", "deps"], ["core/vm", "core/vdev", "core/vmm", *NET]),
]
# Below core/vm, but reached through a table: they may use no symbol of core/vm, nor of one another.
VENDORS = ["svm", "vmx"]
# Given by linker.ld, the symbol generator, and core/main.c's entry.
PROVIDED = re.compile(r"^(kernel_(text|rodata|data)_(start|end)|exception_table_(start|end)|ksyms|ksyms_count|ksym_names|hv_main)$")


def folder(path):
    """What has the rules of mgmt is one layer, but for the port of its libraries."""
    own = os.path.dirname(path)
    return "mgmt" if own.startswith("mgmt/") and own != "mgmt/port" else own


def check_includes():
    errors = []
    for path in sorted(subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.c", "*.h"], cwd=ROOT,
                                      capture_output=True, text=True, check=True).stdout.split()):
        own = folder(path)
        if own not in MAY_INCLUDE or path == "core/main.c":
            continue
        with open(os.path.join(ROOT, path)) as f:
            for included in re.findall(r'^#include "((?:boot|core|mm|svm|vmx|drivers|mgmt)/[^"]+)"', f.read(), re.M):
                target = folder(included)
                if target == own:
                    continue
                allowed = target in MAY_INCLUDE[own]
                only = ONLY.get((own, target))
                if not allowed or (only is not None and included not in only):
                    errors.append(f"{path} includes {included}: {own} may not use that")
    return errors


def objects(folders):
    found = []
    for f in folders:
        recursive = f.startswith("deps") or f == "mgmt"
        found += glob.glob(f"{OBJ}/{f}/**/*.o" if recursive else f"{OBJ}/{f}/*.o", recursive=recursive)
    # An object outlives its source when that is renamed.
    found = [o for o in found if f"{OBJ}/deps/" in o or glob.glob(ROOT + o[len(OBJ):-1] + "[cS]")]
    # The loader's objects share boot/ with the kernel's two; a folder may be named with its parent.
    return [o for o in dict.fromkeys(found) if "/boot/" not in o or os.path.basename(o) in ("entry.o", "ap_trampoline.o")]


def undefined(folders):
    with tempfile.NamedTemporaryFile(suffix=".o") as out:
        subprocess.run(["ld", "-r", "-o", out.name, *objects(folders)], check=True)
        lines = subprocess.run(["nm", "-u", out.name], capture_output=True, text=True, check=True).stdout
    return [s for s in lines.replace(" U ", " ").split() if s not in ("U", "w") and not PROVIDED.match(s)]


def check_symbols():
    errors, below = [], []
    for name, folders in SYMBOL_LAYERS:
        below += folders
        errors += [f"{name} uses {s}, which no layer at or below it defines" for s in undefined(below)]
    for name, folders, others in SYMBOL_TOPS:
        errors += [f"{name} uses {s}, which no layer at or below it defines"
                   for s in undefined(below + others + folders)]
    for vendor in VENDORS:
        errors += [f"{vendor} uses {s}, which no layer below it defines" for s in undefined(below + [vendor])]
    return errors


def main():
    errors = check_includes()
    if os.path.isdir(f"{OBJ}/core"):
        errors += check_symbols()
    else:
        errors.append("no objects in build/obj: run make first")
    for e in errors:
        print(e)
    print("layers:", "ok" if not errors else f"{len(errors)} violations")
    sys.exit(bool(errors))


if __name__ == "__main__":
    main()
