// SPDX-License-Identifier: BSD-2-Clause
// Pools: disks of the host and NBD servers that volumes are in. A part of the volumes page.
import * as api from "./api.js";
import { h, renew, table, stateBadge, field, pemField, form, checkbox, select, button, attempt, repeater, bytes } from "./dom.js";

const AGAIN_MS = 2000;
const SERVER = ":nbd"; /* no disk is called so */

const DATASTORE = "5b1f5a0e-7c34-4d0b-9a57-50c1e0da7a01"; /* the type of partitions that pools are in */

/** A disk, or one of its partitions, of that type if it matters: "disk/number", of which 0 is all of it. */
export const places = (disks, type) => disks.flatMap((d) => [[`${d.name}/0`, `${d.name}, ${bytes(d.size_bytes)}`],
  ...d.partitions.filter((p) => !type || p.type === type)
    .map((p) => [`${d.name}/${p.number}`, `${d.name}, partition ${p.number}${p.name ? ` (${p.name})` : ""}, ${bytes(p.size_bytes)}`])]);

/** Without a pin or a CA: no TLS. */
function serverOf({ server, port, certificate, ca }) {
  const pin = certificate.value.trim().replaceAll(":", "").toLowerCase();
  if (pin && ca.value.trim()) throw new Error("One of them is enough: the certificate's SHA-256, or the CA.");
  const tls = pin ? { certificate_sha256: pin } : { ca: ca.value };
  return { nbd: { host: server.value.trim(), port: Number(port.value), ...(pin || ca.value.trim() ? { tls } : {}) } };
}

function diskOf({ disk, format, erase }) {
  const [name, partition] = disk.value.split("/");
  return { disk: name, partition: Number(partition), ...(format.checked ? { format: true, erase: erase.checked } : {}) };
}

function makeForm(disks, done) {
  const format = checkbox("Make a new pool; refused if there are data", "format", true);
  const erase = checkbox("Also where there are data, which are lost", "erase");
  const server = [field("Server", h("input", { name: "server", placeholder: "192.0.2.5", spellcheck: "false", autocomplete: "off" })),
    field("Port", h("input", { name: "port", type: "number", min: 1, max: 65535, value: 10809 })),
    field("With TLS: SHA-256 of its certificate", h("input", { name: "certificate", pattern: "[0-9a-fA-F:]+", autocomplete: "off" })),
    pemField("Or the CA that signed it, PEM", "ca", "-----BEGIN CERTIFICATE-----")];
  const element = form("fields", null, [
    field("Name", h("input", { name: "newpool", required: true, autocomplete: "off" })),
    field("On", select("disk", [...places(disks, DATASTORE), [SERVER, "an NBD server"]])), format, erase, server,
  ], "Use it", async (elements) => {
    const isLost = !erase.hidden && elements.erase.checked;
    if (isLost && !confirm(`Make a pool of ${elements.disk.selectedOptions[0].text}? All that is on it is lost.`)) return;
    await api.put(`/pools/${api.name(elements.newpool.value.trim())}`, elements.disk.value === SERVER ? serverOf(elements) : diskOf(elements));
    element.reset();
    choose();
    await done();
  });
  function choose() {
    const isServer = element.elements.disk.value === SERVER;
    format.hidden = isServer;
    erase.hidden = isServer || !element.elements.format.checked;
    for (const part of server) part.hidden = !isServer;
  }
  element.elements.disk.addEventListener("change", (event) => { element.elements.format.checked = event.target.value.endsWith("/0"); });
  element.addEventListener("change", choose);
  choose();
  return h("details", null, h("summary", null, "New pool"), element);
}

const trust = (tls) => (tls ? `, TLS by ${tls.ca ? "a CA" : "a pin"}` : "");
const where = (p) => (p.nbd ? `${p.nbd.host}, port ${p.nbd.port}${trust(p.nbd.tls)}` : `${p.disk}, partition ${p.partition}`);

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
    renew(list, table(["Name", "On", "State", "#Size", "#Free", ""], items.map((p) => [
      p.name, where(p), [stateBadge(p.state), p.reason ? h("div", { class: "soft" }, p.reason) : null],
      p.nbd ? null : bytes(p.size_bytes), p.nbd ? null : bytes(p.free_bytes),
      isAdmin ? button("Let go", (e) => attempt(() => remove(p), e.target), "danger") : null,
    ]), "There are none: volumes are in RAM and end with the host."));
    again.loaded(items.length > 0);
  }
  await load();
  const make = isAdmin ? makeForm((await api.get("/host/disks")).items, async () => { await load(); await changed(); }) : null;
  return { element: h("section", null, h("h2", null, "Pools"), list, make), stop: again.stop };
}
