// SPDX-License-Identifier: BSD-2-Clause
// Images: listed, uploaded by dropping files, deleted.
import * as api from "./api.js";
import { h, show, renew, table, field, pemField, form, select, button, attempt, say, bytes } from "./dom.js";

const KINDS = ["kernel", "initrd", "raw", "qcow2", "iso"];

/** What a file probably is, by its name. */
function guess(file) {
  if (/vmlinu|bzimage|kernel|\.elf$/i.test(file)) return "kernel";
  if (/initr/i.test(file)) return "initrd";
  if (/\.iso$/i.test(file)) return "iso";
  return "raw";
}

/** Whatever its name: many are called .img. */
async function isQcow2(file) {
  return /^QFI\u00fb/.test(String.fromCharCode(...new Uint8Array(await file.slice(0, 4).arrayBuffer())));
}

/** One upload: its name and kind can be corrected before it begins. */
function uploadCard(file, done) {
  const imageName = h("input", { name: "image", value: file.name.replace(/[^\w.+~-]/g, "-").slice(0, 63), required: true });
  const kind = select("kind", KINDS.map((k) => [k, k]), guess(file.name));
  isQcow2(file).then((is) => { if (is) kind.value = "qcow2"; });
  const bar = h("progress", { max: 1, value: 0, "aria-label": `Upload of ${file.name}` });
  const text = h("span", { class: "soft" }, bytes(file.size));
  const card = form("card", null, [field("Name", imageName), field("Kind", kind), bar, text], "Upload", async () => {
    const began = performance.now();
    await api.upload(`/images/${api.name(imageName.value)}`, `?kind=${kind.value}`, file, (sent, note) => {
      const total = file.size, rate = sent / ((performance.now() - began) / 1000);
      bar.value = total ? sent / total : 1;
      text.textContent = note || `${bytes(sent)} of ${bytes(total)}, ${bytes(rate)}/s, ${Math.ceil((total - sent) / rate)} s left`;
    });
    say(`${imageName.value} is there.`);
    card.remove();
    await done();
  });
  return card;
}

function dropZone(take) {
  const input = h("input", { type: "file", multiple: true, "aria-label": "Files to upload", onchange: () => take(input.files) });
  const zone = h("div", { class: "drop" }, h("p", null, "Drop files here, or choose them:"), input);
  for (const type of ["dragenter", "dragover"]) zone.addEventListener(type, (e) => { e.preventDefault(); zone.classList.add("over"); });
  for (const type of ["dragleave", "drop"]) zone.addEventListener(type, (e) => { e.preventDefault(); zone.classList.remove("over"); });
  zone.addEventListener("drop", (event) => take(event.dataTransfer.files));
  return zone;
}

/** What the host is to fetch itself; its progress is a task's. */
function pullForm(done) {
  const url = h("input", { name: "url", type: "url", required: true, placeholder: "https://host/file.img" });
  const imageName = h("input", { name: "pull-name", required: true });
  const kind = select("pull-kind", KINDS.map((k) => [k, k]), "raw");
  const digest = h("input", { name: "sha256", pattern: "[0-9a-fA-F]{64}", placeholder: "64 digits; needed with http://" });
  const pin = h("input", { name: "certificate", pattern: "[0-9a-fA-F:]+", placeholder: "of the server, with https://" });
  url.addEventListener("change", () => {
    const file = url.value.replace(/[?#].*/, "").split("/").pop();
    if (!imageName.value) imageName.value = file.replace(/[^\w.+~-]/g, "-").slice(0, 63);
    kind.value = guess(file);
  });
  const pull = form("fields", null, [field("URL", url), field("Name", imageName), field("Kind", kind), field("SHA-256 of the file", digest),
    field("SHA-256 of the certificate", pin), pemField("Or the CA that signed it, PEM", "ca")], "Pull", async ({ ca }) => {
    const wanted = { name: imageName.value, url: url.value, kind: kind.value, sha256: digest.value, ca: ca.value,
      certificate_sha256: pin.value.replaceAll(":", "") };
    const task = await api.post("/images", Object.fromEntries(Object.entries(wanted).filter(([, value]) => value)));
    say(`Task ${task.id} fetches ${task.target}.`);
    pull.reset();
    await done();
  });
  return h("details", null, h("summary", null, "Pull by URL"), pull);
}

export async function imagesView() {
  const list = h("div"), uploads = h("div", { class: "cards" });
  async function remove(image) {
    if (!confirm(`Delete the image ${image.name}?`)) return;
    await api.del(`/images/${api.name(image.name)}`);
    await load();
  }
  async function load() {
    const { items } = await api.get("/images");
    renew(list, table(["Name", "Kind", "#File", "#Disk", "#Users", "SHA-256", ""], items.map((i) => [
      i.name, i.kind, bytes(i.size_bytes), bytes(i.virtual_size_bytes), i.users,
      i.sha256 ? h("code", { title: i.sha256 }, i.sha256.slice(0, 12)) : h("span", { class: "soft" }, i.state),
      api.may("operator") ? button("Delete", (e) => attempt(() => remove(i), e.target), "danger") : null,
    ]), "There are no images yet."));
  }
  await load();
  show(h("h1", null, "Images"),
    api.may("operator") ? dropZone((files) => uploads.append(...[...files].map((f) => uploadCard(f, load)))) : null,
    uploads, api.may("operator") ? pullForm(load) : null, list);
  return api.events("image", () => attempt(load));
}
