// SPDX-License-Identifier: BSD-2-Clause
// Volumes: listed with what they wait for, made, exported for copying, deleted. The pools they are in.
import * as api from "./api.js";
import { h, show, table, stateBadge, field, select, button, attempt, repeater, bytes } from "./dom.js";
import { poolsPart } from "./pools.js";

const MIB = 1 << 20;
const AGAIN_MS = 2000;

function makeForm(images, pools, done) {
  const send = h("button", { type: "submit", class: "main" }, "Create");
  const remote = new Set(pools.filter((p) => p.nbd).map((p) => p.name));
  const exported = field("Export, as the server calls it", h("input", { name: "export", autocomplete: "off", spellcheck: "false" }));
  const made = [field("Size in MiB", h("input", { name: "size", type: "number", min: 1, value: 1024 })),
    field("Holds at first", select("image", [["", "nothing"], ...images.map((i) => [i.name, i.name])]))];
  const form = h("form", { class: "card" }, h("h2", null, "New volume"),
    field("Name", h("input", { name: "volume", required: true, autocomplete: "off" })),
    field("Pool", select("pool", [["", "the first, or RAM"], ["ram", "RAM"], ...pools.map((p) => [p.name, p.name])])),
    exported, made, send);
  function choose() {
    const isRemote = remote.has(form.elements.pool.value);
    exported.hidden = !isRemote;
    for (const element of made) element.hidden = isRemote;
  }
  form.elements.pool.addEventListener("change", choose);
  choose();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { volume, pool, size, image } = form.elements;
    attempt(async () => {
      const body = pool.value ? { pool: pool.value } : {};
      if (remote.has(pool.value)) body.export = form.elements.export.value;
      else if (size.value) body.size_bytes = Number(size.value) * MIB;
      if (!remote.has(pool.value) && image.value) body.from = { image: image.value };
      await api.put(`/volumes/${api.name(volume.value)}`, body);
      form.reset();
      choose();
      await done();
    }, send);
  });
  return form;
}

const place = (v) => (v.disk ? `${v.disk}, partition ${v.partition}` : [v.pool, v.export].filter(Boolean).join(": "));

/** On a server it may have to wait; elsewhere there is no state to speak of. */
const state = (v) => (v.state ? [stateBadge(v.state), v.reason ? h("div", { class: "soft" }, v.reason) : null] : null);

function exportOf(v) {
  const { nbd } = v;
  return nbd ? `NBD, port ${nbd.port}${nbd.tls ? ", TLS" : ""}${nbd.read_only ? ", read-only" : ""}; clients: ${nbd.clients}` : null;
}

export async function volumesView() {
  const list = h("div"), uri = h("div", { role: "status" });
  const isAdmin = api.may("admin");
  const again = repeater(load, AGAIN_MS);
  async function remove(volume) {
    if (!confirm(`Delete the volume ${volume.name}? What is in RAM is lost; what is on a server or a partition stays there.`)) return;
    await api.del(`/volumes/${api.name(volume.name)}`);
    await load();
  }
  async function exportVolume(volume) {
    const made = await api.put(`/volumes/${api.name(volume.name)}/nbd`, {});
    uri.replaceChildren(h("section", { class: "card" },
      h("p", null, `Whoever has this address may copy ${volume.name}. It is shown only now; qemu-img and nbdcopy take it.`),
      h("code", { class: "token", id: "uri" }, made.uri)));
    await load();
  }
  async function endExport(volume) {
    await api.del(`/volumes/${api.name(volume.name)}/nbd`);
    uri.replaceChildren();
    await load();
  }
  function exportButton(v) {
    if (!isAdmin || v.export !== undefined) return null; /* what is on a server is exported there */
    return v.nbd ? button("End export", (e) => attempt(() => endExport(v), e.target)) : button("Export", (e) => attempt(() => exportVolume(v), e.target));
  }
  async function load() {
    const { items } = await api.get("/volumes");
    list.replaceChildren(table(["Name", "On", "State", "#Size", "#Used", "VMs", "Export", ""], items.map((v) => [
      v.name, place(v), state(v), bytes(v.size_bytes), bytes(v.used_bytes || 0), (v.attached_to || []).join(", "), exportOf(v),
      h("div", { class: "row" }, exportButton(v),
        api.may("operator") ? button("Delete", (e) => attempt(() => remove(v), e.target), "danger") : null),
    ]), "There are no volumes yet."));
    // A server that comes back, and a client that connects, are no events.
    again.loaded(items.some((v) => v.state || v.nbd));
  }
  const forms = h("div", { class: "cards" });
  async function loadForms() {
    if (!api.may("operator")) return;
    const [images, pools] = await Promise.all([api.get("/images"), api.get("/pools")]);
    forms.replaceChildren(makeForm(images.items, pools.items, load));
  }
  const pools = await poolsPart(async () => { await load(); await loadForms(); });
  await load();
  await loadForms();
  show(h("h1", null, "Volumes"), list, uri, forms, pools.element);
  const stop = api.events("volume", () => attempt(load));
  return () => {
    again.stop();
    pools.stop();
    stop();
  };
}
