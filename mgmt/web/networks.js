// SPDX-License-Identifier: BSD-2-Clause
// Networks, who is on them, and new ones.
import * as api from "./api.js";
import { h, show, table, field, select, button, attempt, bytes } from "./dom.js";

function makeForm(done) {
  const send = h("button", { type: "submit", class: "main" }, "Create");
  const form = h("form", { class: "card" }, h("h2", null, "New network"),
    field("Name", h("input", { name: "network", required: true, autocomplete: "off" })),
    field("Kind", select("kind", [["nat", "NAT: its own subnet behind the host"], ["isolated", "Isolated: VMs only"], ["bridge", "Bridge: the host's LAN"]])),
    field("VLAN (bridge)", h("input", { name: "vlan", type: "number", min: 0, max: 4094 })), send);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { network, kind, vlan } = form.elements;
    attempt(async () => {
      await api.put(`/networks/${api.name(network.value)}`, { kind: kind.value, ...(vlan.value ? { vlan: Number(vlan.value) } : {}) });
      form.reset();
      await done();
    }, send);
  });
  return form;
}

async function portsOf(network, place) {
  const ports = await api.get(`/networks/${api.name(network)}/ports`);
  place.replaceChildren(h("h2", null, `On ${network}`), table(["VM", "Card", "MAC", "Address", "#Received", "#Sent"],
    ports.items.map((p) => [p.vm || "the host", p.nic || "", h("code", null, p.mac), p.ip_seen || "", bytes(p.rx_bytes), bytes(p.tx_bytes)]), "Nobody."));
}

export async function networksView() {
  const list = h("div"), ports = h("section");
  async function remove(network) {
    if (!confirm(`Delete the network ${network}?`)) return;
    await api.del(`/networks/${api.name(network)}`);
    await load();
  }
  async function load() {
    const networks = await api.get("/networks");
    list.replaceChildren(table(["Name", "Kind", "Subnet", "#Ports", ""], networks.items.map((n) => [
      n.name, n.kind + (n.vlan ? `, VLAN ${n.vlan}` : ""), n.cidr || "", n.ports, h("div", { class: "row" },
        button("Who is on it", (e) => attempt(() => portsOf(n.name, ports), e.target)),
        api.may("admin") && !n.builtin ? button("Delete", (e) => attempt(() => remove(n.name), e.target), "danger") : null),
    ]), "There are no networks."));
  }
  await load();
  show(h("h1", null, "Networks"), list, ports, api.may("admin") ? makeForm(load) : null);
  return api.events("network", () => attempt(load));
}
