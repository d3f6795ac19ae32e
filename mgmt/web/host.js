// SPDX-License-Identifier: BSD-2-Clause
// The host: what it is, what it has, how busy it is, and its end.
import * as api from "./api.js";
import { h, show, facts, table, button, attempt, say, bytes, upSince } from "./dom.js";
import { plots, cpus, perSecond } from "./plot.js";

const FIGURES = [
  ["CPU", [["guest_millicpu", "guests"], ["host_millicpu", "host"]], cpus, 1000],
  ["Memory", [["memory_used_bytes", "used"]], bytes, 1 << 20],
  ["Disks", [["disk_read_bytes_per_s", "read"], ["disk_written_bytes_per_s", "written"]], perSecond, 1024],
  ["Network", [["net_received_bytes_per_s", "received"], ["net_sent_bytes_per_s", "sent"]], perSecond, 1024],
];

async function end(what, word, element) {
  if (!confirm(`${word} the host? Running guests are asked to switch themselves off; what runs after two minutes is cut off.`)) return;
  await attempt(async () => {
    await api.post(`/host/${what}`, { vms: "shutdown" });
    say(`${word}: the host goes down when the guests are off.`);
  }, element);
}

function disksTable(disks) {
  return table(["Disk", "Model", "#Size", "State"], disks.map((d) => [d.name, d.model, bytes(d.size_bytes), d.state]), "There are no disks.");
}

function nicsTable(nics) {
  return table(["Card", "Driver", "MAC", "Link"], nics.map((n) => [n.name, n.driver, h("code", null, n.mac), n.link]), "There are no cards with a driver.");
}

export async function hostView() {
  const [host, health, disks, nics] = await Promise.all(["/host", "/health", "/host/disks", "/host/nics"].map(api.get));
  const memory = host.memory;
  const live = plots("/host/metrics", FIGURES);
  document.getElementById("host-name").textContent = host.name;
  show(
    h("h1", null, host.name),
    health.reason ? h("p", { class: "message bad" }, health.reason) : null,
    h("div", { class: "cards" },
      h("section", { class: "card" }, h("h2", null, "System"), facts([
        ["Version", `${host.version} (${host.build.git})`], ["Up since", upSince(host.uptime_ns)], ["Booted by", host.boot.method],
        ["CPU", `${host.cpu.count} × ${host.cpu.model}`], ["Vendor", host.cpu.vendor]])),
      h("section", { class: "card" }, h("h2", null, "Memory"), facts([
        ["Total", bytes(memory.total_bytes)], ["Free", bytes(memory.free_bytes)], ["VMs", bytes(memory.vm_bytes)],
        ["Images", bytes(memory.image_bytes)], ["Volumes", bytes(memory.volume_bytes)], ["Hypervisor", bytes(memory.hv_bytes + memory.hv_image_bytes)]]))),
    live.element,
    h("h2", null, "Disks"), disksTable(disks.items),
    h("h2", null, "Network cards"), nicsTable(nics.items),
    api.may("admin") ? h("div", { class: "row" },
      button("Restart the host", (e) => end("reboot", "Restart", e.target), "danger"),
      button("Power the host off", (e) => end("poweroff", "Power off", e.target), "danger")) : null);
  return live.stop;
}
