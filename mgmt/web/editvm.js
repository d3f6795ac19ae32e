// SPDX-License-Identifier: BSD-2-Clause
// Changing a VM that is there. What it is told of the VM goes into the fields the user has not touched: the browser keeps them apart.
import * as api from "./api.js";
import { h, field, form, checkbox, words, say } from "./dom.js";

const MIB = 1 << 20;
const isChanged = (input) => (input.type === "checkbox" ? input.checked !== input.defaultChecked : input.value !== input.defaultValue);

/** Input's name, how a VM has it, and the patch that sets it. */
const MEMBERS = [
  ["description", (vm) => vm.description || "", (value) => ({ description: value })],
  ["tags", (vm) => (vm.tags || []).join(", "), (value) => ({ tags: words(value) })],
  ["cpus", (vm) => vm.cpu.count, (value) => ({ cpu: { count: Number(value) } })],
  ["memory", (vm) => vm.memory.size_bytes / MIB, (value) => ({ memory: { size_bytes: Number(value) * MIB } })],
  ["cmdline", (vm) => vm.boot.cmdline || "", (value) => ({ boot: { cmdline: value } })],
];

/** changed: loads the VM. Returns {element, update(vm, its tag)}. */
export function editPart(path, changed) {
  let tag = "";
  const text = (label, name, attributes) => field(label, h("input", { name, autocomplete: "off", ...attributes }));
  const off = [text("CPUs", "cpus", { type: "number", min: 1, max: 64, required: true }),
    text("Memory in MiB", "memory", { type: "number", min: 2, step: 2, required: true }),
    text("Command line", "cmdline", { spellcheck: "false" })];
  const note = h("p", { class: "soft" }, "What is below can be changed while it is off.");
  const element = form("fields", null, [
    text("Description", "description", { maxlength: 255 }), text("Tags", "tags", { placeholder: "web, test" }),
    checkbox("Started with the host", "autostart"), note, off,
  ], "Save", async (elements) => {
    const patch = Object.assign({}, ...MEMBERS.filter(([name]) => isChanged(elements[name])).map(([name, , set]) => set(elements[name].value)));
    if (isChanged(elements.autostart)) patch.autostart = { enabled: elements.autostart.checked };
    await api.change("PATCH", path, patch, tag);
    element.reset();
    await changed();
    say("Saved.");
  });
  function update(vm, nowTag) {
    tag = nowTag;
    const isOff = vm.state === "stopped" || vm.state === "crashed";
    for (const [name, get] of MEMBERS) element.elements[name].defaultValue = get(vm);
    element.elements.autostart.defaultChecked = vm.autostart.enabled;
    note.hidden = isOff;
    for (const part of off) part.querySelector("input").disabled = !isOff;
  }
  return { element: h("details", null, h("summary", null, "Change"), element), update };
}
