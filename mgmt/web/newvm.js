// SPDX-License-Identifier: BSD-2-Clause
// The form that makes a VM.
import * as api from "./api.js";
import { cloudInitFields, cloudInitOf } from "./cloudinit.js";
import { h, show, field, select, attempt } from "./dom.js";

const MIB = 1 << 20;
const NONE = ["", "none"];

function definition(form) {
  const value = (key) => form.elements[key].value.trim();
  const vm = {
    cpu: { count: Number(value("cpus")) },
    memory: { size_bytes: Number(value("memory")) * MIB },
    boot: { firmware: value("firmware"), kernel: value("kernel"), cmdline: value("cmdline") },
  };
  if (value("initrd")) vm.boot.initrd = value("initrd");
  if (value("network")) vm.nics = [{ id: "net0", network: value("network") }];
  if (value("volume")) vm.disks = [{ id: "disk0", volume: value("volume") }];
  vm.cloud_init = cloudInitOf(form);
  return vm;
}

export async function newVmView() {
  const [images, volumes, networks] = await Promise.all([api.get("/images"), api.get("/volumes"), api.get("/networks")]);
  const named = (items) => items.map((i) => [i.name, i.name]);
  const ofKind = (kind) => named(images.items.filter((i) => i.kind === kind));
  const networkNames = named(networks.items);
  const send = h("button", { type: "submit", class: "main" }, "Create");
  const form = h("form", { class: "card" },
    field("Name", h("input", { name: "vm", required: true, pattern: "[a-z0-9][a-z0-9\\-]{0,62}", title: "a-z, 0-9 and -, 63 at most", autocomplete: "off" })),
    field("CPUs", h("input", { name: "cpus", type: "number", min: 1, max: 64, value: 1, required: true })),
    field("Memory in MiB", h("input", { name: "memory", type: "number", min: 2, step: 2, value: 256, required: true })),
    field("Boot", select("firmware", [["direct", "Linux kernel (bzImage)"], ["pvh", "PVH kernel"]])),
    field("Kernel", select("kernel", ofKind("kernel"))),
    field("Initial RAM disk", select("initrd", [NONE, ...ofKind("initrd")])),
    field("Command line", h("input", { name: "cmdline", value: "console=ttyS0", spellcheck: "false" })),
    field("Network", select("network", [NONE, ...networkNames], "default")),
    field("Disk", select("volume", [NONE, ...named(volumes.items)])),
    cloudInitFields(),
    h("label", { class: "inline" }, h("input", { name: "start", type: "checkbox", checked: true }), "Start it at once"),
    send);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      const vm = form.elements.vm.value;
      const start = form.elements.start.checked;
      await api.request("PUT", `/vms/${api.name(vm)}${start ? "?start=true" : ""}`, definition(form), { "If-None-Match": "*" });
      location.hash = `#/vm/${api.name(vm)}`;
    }, send);
  });
  show(h("h1", null, "New virtual machine"),
    ofKind("kernel").length ? null : h("p", { class: "message bad" }, "There is no kernel yet: upload one under ", h("a", { href: "#/images" }, "Images"), "."),
    form);
}
