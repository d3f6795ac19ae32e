// SPDX-License-Identifier: BSD-2-Clause
// Networks, who is on them, the ports that lead into them, and new ones.
import * as api from "./api.js";
import { h, show, renew, table, field, form, select, button, attempt, bytes } from "./dom.js";

const number = (text, name, min, max) => field(text, h("input", { name, type: "number", min, max }));

function makeForm(uplinks, done) {
  const subnet = field("Subnet; empty: a free one", h("input", { name: "cidr", placeholder: "10.66.0.0/24", autocomplete: "off" }));
  const bridge = [field("Card of the host", select("uplink", [["", "the first"], ...uplinks.map((n) => [n.name, `${n.name}, ${n.mac}`])])),
    number("VLAN; empty: none", "vlan", 0, 4094)];
  const element = form("card", "New network", [
    field("Name", h("input", { name: "network", required: true, autocomplete: "off" })),
    field("Kind", select("kind", [["nat", "NAT: its own subnet behind the host"], ["isolated", "Isolated: VMs only"], ["bridge", "Bridge: the host's LAN"]])),
    subnet, bridge, number("MTU; empty: 1500", "mtu", 576, 9000),
  ], "Create", async (elements) => {
    const value = (key) => (elements[key].closest("[hidden]") ? "" : elements[key].value.trim());
    const body = { kind: value("kind") };
    for (const key of ["cidr", "uplink"]) if (value(key)) body[key] = value(key);
    for (const key of ["vlan", "mtu"]) if (value(key)) body[key] = Number(value(key));
    await api.put(`/networks/${api.name(value("network"))}`, body);
    element.reset();
    choose();
    await done();
  });
  function choose() {
    const { kind } = element.elements;
    subnet.hidden = kind.value !== "nat";
    for (const part of bridge) part.hidden = kind.value !== "bridge";
  }
  element.addEventListener("change", choose);
  choose();
  return element;
}

/** Ports of the host's address that lead to a VM. save(forwards) puts all of them. */
function forwardsOf(network, save) {
  const { forwards } = network;
  const list = table(["Port of the host", "VM", "#Its port", ""], forwards.map((f) => [
    `${f.proto} ${f.host_port}`, f.vm, f.port,
    api.may("admin") ? button("Close", (e) => attempt(() => save(forwards.filter((g) => g !== f)), e.target), "danger") : null,
  ]), "No port of the host leads here.");
  if (!api.may("admin")) return [h("h3", null, "Forwarded ports"), list];
  const add = form("fields", null, [
    field("Protocol", select("proto", [["tcp", "TCP"], ["udp", "UDP"]])), number("Port of the host", "host_port", 1, 49151),
    field("VM", h("input", { name: "forward_vm", required: true, autocomplete: "off" })), number("Its port", "vm_port", 1, 65535),
  ], "Open it", ({ proto, host_port: from, forward_vm: vm, vm_port: to }) => save([...forwards,
    { proto: proto.value, host_port: Number(from.value), vm: vm.value.trim(), port: Number(to.value) }]));
  return [h("h3", null, "Forwarded ports"), list, h("details", null, h("summary", null, "Forward a port"), add)];
}

async function inside(network, place) {
  const path = `/networks/${api.name(network)}`;
  const [ports, [now, tag]] = await Promise.all([api.get(`${path}/ports`), api.tagged(path)]);
  async function save(forwards) {
    await api.change("PUT", path, { ...now, forwards }, tag);
    await inside(network, place);
  }
  renew(place, h("h2", null, `On ${network}`), table(["VM", "Card", "MAC", "Address", "#Received", "#Sent"],
    ports.items.map((p) => [p.vm || "the host", p.nic || "", h("code", null, p.mac), p.ip_seen || "", bytes(p.rx_bytes), bytes(p.tx_bytes)]), "Nobody."),
  now.kind === "nat" ? forwardsOf(now, save) : null);
}

export async function networksView() {
  const list = h("div"), place = h("section");
  async function remove(network) {
    if (!confirm(`Delete the network ${network}?`)) return;
    await api.del(`/networks/${api.name(network)}`);
    place.replaceChildren();
    await load();
  }
  async function load() {
    const networks = await api.get("/networks");
    renew(list, table(["Name", "Kind", "Subnet", "#MTU", "#Ports", ""], networks.items.map((n) => [
      n.name, n.kind + (n.vlan ? `, VLAN ${n.vlan}` : ""), n.cidr || "", n.mtu, n.ports, h("div", { class: "row" },
        button("Look inside", (e) => attempt(() => inside(n.name, place), e.target)),
        api.may("admin") && !n.builtin ? button("Delete", (e) => attempt(() => remove(n.name), e.target), "danger") : null),
    ]), "There are no networks."));
  }
  await load();
  show(h("h1", null, "Networks"), list, place, api.may("admin") ? makeForm((await api.get("/host/nics")).items, load) : null);
  return api.events("network", () => attempt(load));
}
