// SPDX-License-Identifier: BSD-2-Clause
// One VM: its state, console, plots, exits, disks and cards.
import * as api from "./api.js";
import { h, show, renew, facts, table, stateBadge, button, attempt, bytes, upSince } from "./dom.js";
import { actions } from "./actions.js";
import { devicesPart } from "./devices.js";
import { editPart } from "./editvm.js";
import { plots, cpus, perSecond, count } from "./plot.js";
import { terminal } from "./terminal.js";

const EXITS_PERIOD_MS = 3000;
const FIGURES = [
  ["CPU", [["run_millicpu", "run"], ["steal_millicpu", "steal"]], cpus, 1000],
  ["Memory", [["memory_bytes", "in use"]], bytes, 1 << 20],
  ["Disks", [["disk_read_bytes_per_s", "read"], ["disk_written_bytes_per_s", "written"]], perSecond, 1024],
  ["Network", [["net_received_bytes_per_s", "received"], ["net_sent_bytes_per_s", "sent"]], perSecond, 1024],
  ["Exits", [["exits_per_s", "exits"]], count, 10],
];

async function remove(vm) {
  if (!confirm(`Delete ${vm.name}? Its definition and console log go; volumes and images stay.`)) return;
  await api.del(`/vms/${api.name(vm.name)}?force=true`);
  location.hash = "#/vms";
}

function head(vm, load) {
  return [
    h("h1", null, vm.name, " ", stateBadge(vm.state)),
    vm.reason ? h("p", { class: "soft" }, vm.reason) : null,
    h("div", { class: "row" }, actions(vm, ["start", "resume", "pause", "shutdown", "reset", "poweroff"], load),
      api.may("operator") ? button("Delete", (e) => attempt(() => remove(vm), e.target), "danger") : null),
    facts([["Description", vm.description], ["Tags", (vm.tags || []).join(", ")], ["CPUs", vm.cpu.count], ["Memory", bytes(vm.memory.size_bytes)],
      ["Kernel", vm.boot.kernel], ["Command line", vm.boot.cmdline], ["Up since", upSince(vm.uptime_ns)], ["Starts with the host", vm.autostart.enabled ? "yes" : null], ["UUID", vm.uuid]]),
  ];
}

async function loadExits(path, place) {
  const rows = (await api.get(`${path}/exits`)).sort((a, b) => b.count - a.count);
  renew(place, table(["Reason", "#Count", "#Time", "#99 % below"],
    rows.map((r) => [r.reason, r.count, `${(r.total_ns / 1e6).toFixed(1)} ms`, `${(r.p99_ns / 1e3).toFixed(0)} µs`]), "There were none."));
}

/** part: "console" is typed in at once. */
export async function vmView(vmName, part) {
  const path = `/vms/${api.name(vmName)}`;
  const top = h("section"), exits = h("div");
  const edit = editPart(path, () => load()), devices = devicesPart(path, () => load());

  async function load() {
    const [vm, tag] = await api.tagged(path);
    renew(top, head(vm, load));
    edit.update(vm, tag);
    devices.update(vm, tag);
  }
  await load();
  const live = plots(`${path}/metrics`, FIGURES);
  const screen = terminal(vmName);
  const exitsTimer = setInterval(() => loadExits(path, exits).catch(() => {}), EXITS_PERIOD_MS);
  show(top, api.may("operator") ? edit.element : null, screen.element, devices.element, live.element, h("h2", null, "Exits by reason"), exits);
  screen.open(part === "console");
  attempt(() => loadExits(path, exits));
  const stopEvents = api.events("vm", (event) => {
    if (event.type === "gap" || event.name === vmName) load().catch(() => { location.hash = "#/vms"; });
  });
  return () => {
    clearInterval(exitsTimer);
    live.stop();
    screen.stop();
    stopEvents();
  };
}
