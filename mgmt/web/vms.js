// SPDX-License-Identifier: BSD-2-Clause
// The list of VMs.
import * as api from "./api.js";
import { h, show, renew, table, stateBadge, bytes, upSince, attempt } from "./dom.js";
import { actions } from "./actions.js";

function row(vm, again) {
  return [
    h("a", { href: `#/vm/${api.name(vm.name)}` }, vm.name), stateBadge(vm.state), vm.cpu.count, bytes(vm.memory.size_bytes),
    upSince(vm.uptime_ns), h("div", { class: "row" }, actions(vm, ["start", "shutdown", "poweroff"], again)),
  ];
}

export async function vmsView() {
  const list = h("div");
  async function load() {
    const { items } = await api.get("/vms?limit=1000&fields=name,state,cpu,memory,uptime_ns");
    renew(list, table(["Name", "State", "#CPUs", "#Memory", "Up since", ""], items.map((vm) => row(vm, load)), "There are no VMs yet."));
  }
  await load();
  show(h("h1", null, "Virtual machines"),
    api.may("operator") ? h("div", { class: "row" }, h("a", { href: "#/new", class: "main" }, "New VM")) : null,
    list);
  return api.events("vm", () => attempt(load));
}
