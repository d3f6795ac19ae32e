// SPDX-License-Identifier: BSD-2-Clause
// The form that makes a VM.
import * as api from "./api.js";
import { cloudInitFields, cloudInitOf } from "./cloudinit.js";
import { h, show, field, form, checkbox, named, select, bytes } from "./dom.js";

const MIB = 1 << 20;
const NONE = ["", "none"];
const HERE = ["", "a file of this computer:"];

/** What is booted: an image, or a file that becomes one, called by the VM's name. */
function source(text, key, options) {
  const list = select(key, options), file = h("input", { type: "file", name: `${key}_file`, "aria-label": `${text}: a file of this computer` });
  file.addEventListener("change", () => { if (file.files.length) list.value = ""; });
  list.addEventListener("change", () => { if (list.value) file.value = ""; });
  return h("label", null, text, list, file);
}

/** Uploads the files that were chosen; their names go into the definition. tell(text). */
async function uploadFiles(elements, vm, tell) {
  for (const kind of ["kernel", "initrd"]) {
    const file = elements[`${kind}_file`].files[0];
    if (!file) continue;
    const image = `${elements.vm.value}-${kind}`;
    await api.upload(`/images/${api.name(image)}`, `?kind=${kind}`, file, (sent, note) => tell(note || `${file.name}: ${bytes(sent)} of ${bytes(file.size)}`));
    vm.boot[kind] = image;
  }
}

function definition(elements) {
  const value = (key) => elements[key].value.trim();
  const vm = {
    cpu: { count: Number(value("cpus")) },
    memory: { size_bytes: Number(value("memory")) * MIB },
    boot: { firmware: value("firmware"), kernel: value("kernel"), cmdline: value("cmdline") },
  };
  if (value("initrd")) vm.boot.initrd = value("initrd");
  if (value("network")) vm.nics = [{ id: "net0", network: value("network") }];
  if (value("volume")) vm.disks = [{ id: "disk0", volume: value("volume") }];
  vm.cloud_init = cloudInitOf(elements);
  return vm;
}

export async function newVmView() {
  const [images, volumes, networks] = await Promise.all([api.get("/images"), api.get("/volumes"), api.get("/networks")]);
  const ofKind = (kind) => named(images.items.filter((i) => i.kind === kind));
  const networkNames = named(networks.items);
  const status = h("span", { class: "soft", role: "status" });
  const element = form("card", null, [
    field("Name", h("input", { name: "vm", required: true, pattern: "[a-z0-9][a-z0-9\\-]{0,62}", title: "a-z, 0-9 and -, 63 at most", autocomplete: "off" })),
    field("CPUs", h("input", { name: "cpus", type: "number", min: 1, max: 64, value: 1, required: true })),
    field("Memory in MiB", h("input", { name: "memory", type: "number", min: 2, step: 2, value: 256, required: true })),
    field("Boot", select("firmware", [["direct", "Linux kernel (bzImage)"], ["pvh", "PVH kernel"]])),
    source("Kernel", "kernel", [...ofKind("kernel"), HERE]),
    source("Initial RAM disk", "initrd", [NONE, ...ofKind("initrd")]),
    field("Command line", h("input", { name: "cmdline", value: "console=ttyS0", spellcheck: "false" })),
    field("Network", select("network", [NONE, ...networkNames], "default")),
    field("Disk", select("volume", [NONE, ...named(volumes.items)])),
    cloudInitFields(),
    checkbox("Start it at once", "start", true),
  ], "Create", async (elements) => {
    const vm = elements.vm.value;
    const path = `/vms/${api.name(vm)}`, wanted = definition(elements), isNew = { "If-None-Match": "*" };
    if (!wanted.boot.kernel && !elements.kernel_file.files.length) throw new Error("What is to be booted? Choose a kernel, or a file that is one.");
    await api.request("PUT", `${path}?dry_run=true`, { ...wanted, boot: { ...wanted.boot, kernel: wanted.boot.kernel || "x" } }, isNew).catch((error) => {
      throw error.status === 412 ? new Error(`There is a VM ${vm} already: choose another name.`) : error;
    });
    await uploadFiles(elements, wanted, (text) => { status.textContent = text; });
    await api.request("PUT", path + (elements.start.checked ? "?start=true" : ""), wanted, isNew);
    location.hash = `#/vm/${api.name(vm)}/console`;
  });
  element.append(status);
  show(h("h1", null, "New virtual machine"), element);
  element.elements.vm.focus();
}
