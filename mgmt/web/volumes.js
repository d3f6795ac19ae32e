// SPDX-License-Identifier: BSD-2-Clause
// Volumes: listed with what they wait for, made, grown, exported for copying, deleted. The pools they are in.
import * as api from "./api.js";
import { h, show, renew, table, stateBadge, field, form, checkbox, named, select, button, attempt, repeater, bytes } from "./dom.js";
import { poolsPart, places } from "./pools.js";

const MIB = 1 << 20;
const AGAIN_MS = 2000;

const isDisk = (pool) => pool.includes("/"); /* as places() name them; no pool is called so */

function specOf({ pool, size, from, snapshot, ...rest }, isRemote) {
  if (isDisk(pool.value)) {
    const [disk, partition] = pool.value.split("/");
    return { disk, partition: Number(partition) };
  }
  const spec = pool.value ? { pool: pool.value } : {};
  if (isRemote) return { ...spec, export: rest.export.value };
  if (size.value) spec.size_bytes = Number(size.value) * MIB;
  const [kind, name] = from.value.split("/");
  if (name) spec.from = { [kind]: name };
  if (kind === "volume" && snapshot.checked) spec.read_only = true;
  return spec;
}

/** What is asked for depends on where the volume is to be, and of what. */
function makeForm(images, volumes, pools, disks, done) {
  const remote = new Set(pools.filter((p) => p.nbd).map((p) => p.name));
  const from = (kind, items) => items.map((i) => [`${kind}/${i.name}`, i.name]);
  const exported = field("Export, as the server calls it", h("input", { name: "export", autocomplete: "off", spellcheck: "false" }));
  const size = field("Size in MiB; empty: that of what it holds", h("input", { name: "size", type: "number", min: 1, value: 1024 }));
  const content = field("Holds at first", select("from", [["", "nothing"], ["Image", from("image", images)],
    ["Volume, as it is now", from("volume", volumes.filter((v) => !v.disk && v.export === undefined))]]));
  const snapshot = checkbox("A snapshot: can only be read", "snapshot");
  const element = form("card", "New volume", [
    field("Name", h("input", { name: "volume", required: true, autocomplete: "off" })),
    field("In", select("pool", [["", "the first pool, or RAM"], ["ram", "RAM"], ...named(pools), ["A disk of the host, as it is", places(disks)]])),
    exported, content, snapshot, size,
  ], "Create", async (elements) => {
    const { volume, pool } = elements;
    await api.put(`/volumes/${api.name(volume.value)}`, specOf(elements, remote.has(pool.value)));
    element.reset();
    choose();
    await done();
  });
  function choose() {
    const { pool } = element.elements, isRemote = remote.has(pool.value);
    exported.hidden = !isRemote;
    size.hidden = content.hidden = isRemote || isDisk(pool.value);
    snapshot.hidden = content.hidden || !element.elements.from.value.startsWith("volume/");
  }
  element.elements.from.addEventListener("change", (event) => { if (event.target.value) element.elements.size.value = ""; });
  element.addEventListener("change", choose);
  choose();
  return element;
}

function growForm(volume, done) {
  const mib = volume.size_bytes / MIB;
  return form("card", `Make ${volume.name} larger`,
    field("Size in MiB", h("input", { name: "newsize", type: "number", min: Math.ceil(mib), step: "any", value: mib, required: true })),
    "Grow", async ({ newsize }) => {
      await api.request("PATCH", `/volumes/${api.name(volume.name)}`, { size_bytes: Math.round(Number(newsize.value) * MIB) });
      await done();
    });
}

const origin = (v) => [v.read_only ? (v.parent ? "snapshot" : "read only") : null, v.parent ? `of ${v.parent}` : null].filter(Boolean).join(" ");
const place = (v) => [v.disk ? `${v.disk}, partition ${v.partition}` : [v.pool, v.export].filter(Boolean).join(": "), origin(v)].filter(Boolean).join(", ");

/** On a server it may have to wait; elsewhere there is no state to speak of. */
const state = (v) => (v.state ? [stateBadge(v.state), v.reason ? h("div", { class: "soft" }, v.reason) : null] : null);

function exportOf(v) {
  const { nbd } = v;
  return nbd ? `NBD, port ${nbd.port}${nbd.tls ? ", TLS" : ""}${nbd.read_only ? ", read-only" : ""}; clients: ${nbd.clients}` : null;
}

export async function volumesView() {
  const list = h("div"), below = h("div", { role: "status" });
  const isAdmin = api.may("admin");
  const again = repeater(load, AGAIN_MS);
  async function remove(volume) {
    if (!confirm(`Delete the volume ${volume.name}? What is in RAM is lost; what is on a server or a partition stays there.`)) return;
    await api.del(`/volumes/${api.name(volume.name)}`);
    await load();
  }
  async function exportVolume(volume) {
    const made = await api.put(`/volumes/${api.name(volume.name)}/nbd`, {});
    below.replaceChildren(h("section", { class: "card" },
      h("p", null, `Whoever has this address may copy ${volume.name}. It is shown only now; qemu-img and nbdcopy take it.`),
      h("code", { class: "token", id: "uri" }, made.uri)));
    await load();
  }
  async function endExport(volume) {
    await api.del(`/volumes/${api.name(volume.name)}/nbd`);
    below.replaceChildren();
    await load();
  }
  function grow(volume) {
    below.replaceChildren(growForm(volume, async () => { below.replaceChildren(); await load(); }));
    below.querySelector("input").focus();
  }
  function exportButton(v) {
    if (!isAdmin || v.export !== undefined) return null; /* what is on a server is exported there */
    return v.nbd ? button("End export", (e) => attempt(() => endExport(v), e.target)) : button("Export", (e) => attempt(() => exportVolume(v), e.target));
  }
  async function load() {
    const { items } = await api.get("/volumes");
    renew(list, table(["Name", "On", "State", "#Size", "#Used", "VMs", "Export", ""], items.map((v) => [
      v.name, place(v), state(v), bytes(v.size_bytes), bytes(v.used_bytes || 0), (v.attached_to || []).join(", "), exportOf(v),
      h("div", { class: "row" }, exportButton(v),
        api.may("operator") && !v.read_only && !v.disk && v.export === undefined ? button("Grow", () => grow(v)) : null,
        api.may("operator") ? button("Delete", (e) => attempt(() => remove(v), e.target), "danger") : null),
    ]), "There are no volumes yet."));
    // A server that comes back, and a client that connects, are no events.
    again.loaded(items.some((v) => v.state || v.nbd));
  }
  const forms = h("div", { class: "cards" });
  async function loadForms() {
    if (!api.may("operator")) return;
    const [images, volumes, pools, disks] = await Promise.all(["/images", "/volumes", "/pools", "/host/disks"].map(api.get));
    renew(forms, makeForm(images.items, volumes.items, pools.items, disks.items, async () => { await load(); await loadForms(); }));
  }
  const pools = await poolsPart(async () => { await load(); await loadForms(); });
  await load();
  await loadForms();
  show(h("h1", null, "Volumes"), list, below, forms, pools.element);
  const stop = api.events("volume", () => attempt(load));
  return () => {
    again.stop();
    pools.stop();
    stop();
  };
}
