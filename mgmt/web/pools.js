// SPDX-License-Identifier: BSD-2-Clause
// Pools: disks of the host and NBD servers that volumes are in. A part of the volumes page.
import * as api from "./api.js";
import { h, table, stateBadge, field, select, button, attempt, repeater, bytes } from "./dom.js";

const AGAIN_MS = 2000;
const SERVER = ":nbd"; /* no disk is called so */

function makeForm(disks, done) {
  const send = h("button", { type: "submit", class: "main" }, "Use it");
  const format = h("label", { class: "inline" }, h("input", { name: "format", type: "checkbox", checked: true }), "Make a new pool; refused if there are data");
  const server = [field("Server", h("input", { name: "server", placeholder: "192.0.2.5", spellcheck: "false", autocomplete: "off" })),
    field("Port", h("input", { name: "port", type: "number", min: 1, max: 65535, value: 10809 })),
    field("SHA-256 of its certificate, with TLS", h("input", { name: "certificate", pattern: "[0-9a-fA-F:]+", autocomplete: "off" }))];
  const form = h("form", { class: "fields" },
    field("Name", h("input", { name: "newpool", required: true, autocomplete: "off" })),
    field("Disk", select("disk", [...disks.map((d) => [d.name, `${d.name}, ${bytes(d.size_bytes)}`]), [SERVER, "an NBD server"]])),
    format, server, send);
  function choose() {
    const isServer = form.elements.disk.value === SERVER;
    format.hidden = isServer;
    for (const element of server) element.hidden = !isServer;
  }
  form.elements.disk.addEventListener("change", choose);
  choose();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const value = (key) => form.elements[key].value.trim();
    attempt(async () => {
      const pin = value("certificate").replaceAll(":", "").toLowerCase();
      const body = value("disk") === SERVER
        ? { nbd: { host: value("server"), port: Number(value("port")), ...(pin ? { tls: { certificate_sha256: pin } } : {}) } }
        : { disk: value("disk"), ...(form.elements.format.checked ? { format: true } : {}) };
      await api.put(`/pools/${api.name(value("newpool"))}`, body);
      form.reset();
      choose();
      await done();
    }, send);
  });
  return h("details", null, h("summary", null, "New pool"), form);
}

const where = (p) => (p.nbd ? `${p.nbd.host}, port ${p.nbd.port}${p.nbd.tls ? ", TLS" : ""}` : `${p.disk}, partition ${p.partition}`);

/** changed: is called when there is another pool. Returns {element, stop}. */
export async function poolsPart(changed) {
  const list = h("div");
  const isAdmin = api.may("admin");
  const again = repeater(load, AGAIN_MS);
  async function remove(pool) {
    if (!confirm(`Let the pool ${pool.name} go? Nothing in it is deleted.`)) return;
    await api.del(`/pools/${api.name(pool.name)}`);
    await load();
    await changed();
  }
  async function load() {
    const { items } = await api.get("/pools");
    list.replaceChildren(table(["Name", "On", "State", "#Size", "#Free", ""], items.map((p) => [
      p.name, where(p), [stateBadge(p.state), p.reason ? h("div", { class: "soft" }, p.reason) : null],
      p.nbd ? null : bytes(p.size_bytes), p.nbd ? null : bytes(p.free_bytes),
      isAdmin ? button("Let go", (e) => attempt(() => remove(p), e.target), "danger") : null,
    ]), "There are none: volumes are in RAM and end with the host."));
    again.loaded(items.length > 0);
  }
  await load();
  const disks = isAdmin ? await api.get("/host/disks") : [];
  const form = isAdmin ? makeForm(disks.items || disks, async () => { await load(); await changed(); }) : null;
  return { element: h("section", null, h("h2", null, "Pools"), list, form), stop: again.stop };
}
