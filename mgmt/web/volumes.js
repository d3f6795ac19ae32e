// SPDX-License-Identifier: BSD-2-Clause
// Volumes: listed, made in RAM, deleted.
import * as api from "./api.js";
import { h, show, table, field, select, button, attempt, bytes } from "./dom.js";

const MIB = 1 << 20;

function makeForm(images, done) {
  const send = h("button", { type: "submit", class: "main" }, "Create");
  const form = h("form", { class: "card" }, h("h2", null, "New volume in RAM"),
    field("Name", h("input", { name: "volume", required: true, autocomplete: "off" })),
    field("Size in MiB", h("input", { name: "size", type: "number", min: 1, value: 1024 })),
    field("Holds at first", select("image", [["", "nothing"], ...images.map((i) => [i.name, i.name])])), send);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { volume, size, image } = form.elements;
    attempt(async () => {
      const body = size.value ? { size_bytes: Number(size.value) * MIB } : {};
      if (image.value) body.from = { image: image.value };
      await api.put(`/volumes/${api.name(volume.value)}`, body);
      form.reset();
      await done();
    }, send);
  });
  return form;
}

export async function volumesView() {
  const list = h("div");
  const images = await api.get("/images");
  async function remove(volume) {
    if (!confirm(`Delete the volume ${volume.name}? What is in RAM is lost; what is on a disk stays there.`)) return;
    await api.del(`/volumes/${api.name(volume.name)}`);
    await load();
  }
  async function load() {
    const { items } = await api.get("/volumes");
    list.replaceChildren(table(["Name", "On", "#Size", "#Used", "VMs", ""], items.map((v) => [
      v.name, v.disk ? `${v.disk}, partition ${v.partition}` : v.pool || "", bytes(v.size_bytes), bytes(v.used_bytes), (v.attached_to || []).join(", "),
      api.may("operator") ? button("Delete", (e) => attempt(() => remove(v), e.target), "danger") : null,
    ]), "There are no volumes yet."));
  }
  await load();
  show(h("h1", null, "Volumes"), list, api.may("operator") ? makeForm(images.items, load) : null);
  return api.events("volume", () => attempt(load));
}
