// SPDX-License-Identifier: BSD-2-Clause
// One VM's disks and network cards: attached and detached. What a running guest cannot have, the API says.
import * as api from "./api.js";
import { h, renew, table, field, form, checkbox, named, select, button, attempt, say, bytes } from "./dom.js";

const WAIT_S = 40; /* a guest has 30 s to give a disk up */

const limits = (l) => [l.bytes_per_s ? `${bytes(l.bytes_per_s)}/s` : null, l.ops_per_s ? `${l.ops_per_s}/s` : null].filter(Boolean).join(", ") || "none";

/** A form that is folded away, and made when it is opened: what can be chosen is what there is then. */
function folded(title, make) {
  const element = h("details", null, h("summary", null, title));
  async function fill() {
    const made = element.open ? await make(() => { element.open = false; element.firstChild.focus(); }) : null;
    element.replaceChildren(element.firstChild, ...(made ? [made] : []));
  }
  element.addEventListener("toggle", () => attempt(fill));
  return element;
}

/** The first of disk0, disk1… that is free. */
function freeId(kind, devices) {
  const taken = new Set(devices.map((d) => d.id));
  for (let i = 0; ; i++) if (!taken.has(kind + i)) return kind + i;
}

const idField = (value) => field("Id", h("input", { name: "device", value, required: true, maxlength: 31, autocomplete: "off", spellcheck: "false" }));

async function diskForm(disks, attach) {
  const [volumes, images] = await Promise.all([api.get("/volumes"), api.get("/images")]);
  const source = (kind, items) => items.map((i) => [`${kind}/${i.name}`, i.name]);
  const element = form("fields", null, [idField(freeId("disk", disks)),
    field("Disk", select("source", [["Volumes", source("volume", volumes.items)], ["Images, to be read", source("image", images.items)]])),
    checkbox("Read only", "readonly")],
  "Attach", ({ device, source: from, readonly }) => {
    const [kind, name] = from.value.split("/");
    if (!name) throw new Error("There is no volume and no image yet: make one first.");
    return attach(device.value, { [kind]: name, read_only: readonly.checked });
  });
  const { source: from, readonly } = element.elements;
  const choose = () => {
    readonly.disabled = from.value.startsWith("image/");
    readonly.checked = readonly.disabled;
  };
  from.addEventListener("change", choose);
  choose();
  return element;
}

async function cardForm(nics, attach) {
  const networks = await api.get("/networks");
  return form("fields", null, [idField(freeId("net", nics)), field("Network", select("network", named(networks.items), "default")),
    field("MAC; empty: made of its id", h("input", { name: "mac", pattern: "([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}", autocomplete: "off" })),
    checkbox("Isolated: reaches no other VM", "isolated")],
  "Attach", ({ device, network, mac, isolated }) => attach({ id: device.value, network: network.value, isolated: isolated.checked, ...(mac.value ? { mac: mac.value } : {}) }));
}

/** changed: loads the VM. Returns {element, update(vm, its tag)}. */
export function devicesPart(path, changed) {
  const disks = h("div"), cards = h("div");
  let vm = null, tag = "";

  async function attachDisk(id, disk) {
    const { pci } = await api.put(`${path}/disks/${api.name(id)}`, disk);
    say(pci ? `${id} is at ${pci} in the guest.` : `${id} is there when the VM starts.`);
    await changed();
  }
  async function detachDisk(id) {
    if (!confirm(`Take the disk ${id} away? What is on it stays.`)) return;
    const one = `${path}/disks/${api.name(id)}`;
    if (vm.state === "running") say(`The guest is asked to give ${id} up.`);
    try {
      await api.request("DELETE", one, undefined, { Prefer: `wait=${WAIT_S}` });
    } catch (error) {
      if (error.status !== 504 || !confirm(`${error.message} Take it away without being given? What the guest has not written yet is lost.`)) throw error;
      await api.del(`${one}?force=true`);
    }
    await changed();
  }
  async function setCards(nics) {
    await api.change("PATCH", path, { nics }, tag);
    await changed();
  }
  async function detachCard(id) {
    if (!confirm(`Take the network card ${id} away?`)) return;
    await setCards(vm.nics.filter((n) => n.id !== id));
  }
  const detach = (what, id) => (api.may("operator") ? button("Detach", (e) => attempt(() => what(id), e.target), "danger") : null);

  const element = h("section", null,
    h("h2", null, "Disks"), disks,
    api.may("operator") ? folded("Attach a disk", (close) => diskForm(vm.disks, async (...disk) => { await attachDisk(...disk); close(); })) : null,
    h("h2", null, "Network cards"), cards,
    api.may("operator") ? folded("Attach a network card", (close) => cardForm(vm.nics, async (nic) => { await setCards([...vm.nics, nic]); close(); })) : null);
  function update(now, nowTag) {
    [vm, tag] = [now, nowTag];
    renew(disks, table(["Id", "On", "Access", "Bus", "Limits", ""], vm.disks.map((d) => [
      d.id, d.volume ? `volume ${d.volume}` : `image ${d.image}`, d.read_only ? "read only" : "read and write", d.bus, limits(d.limits), detach(detachDisk, d.id),
    ]), "It has no disks."));
    renew(cards, table(["Id", "Network", "Model", "MAC", "Address", "Limits", ""], vm.nics.map((n) => [
      n.id, n.network, n.model, h("code", null, n.mac), n.ip_seen || "", limits(n.limits), detach(detachCard, n.id),
    ]), "It has no network cards."));
  }
  return { element, update };
}
