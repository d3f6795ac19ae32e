// SPDX-License-Identifier: BSD-2-Clause
// Users: who comes in by a password or a certificate. A part of the tokens page, for administrators.
import * as api from "./api.js";
import { h, table, field, select, button, attempt } from "./dom.js";

const ROLES = ["viewer", "operator", "admin"].map((r) => [r, r]);

function makeForm(done) {
  const send = h("button", { type: "submit", class: "main" }, "Save");
  const form = h("form", { class: "card" }, h("h2", null, "New or changed user"),
    field("Name", h("input", { name: "name", required: true, autocomplete: "off", spellcheck: "false" })),
    field("Role", select("userrole", ROLES)),
    field("Password, 8 characters or more; empty: as it is", h("input", { name: "newpassword", type: "password", minlength: 8, autocomplete: "new-password" })),
    send);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { name, userrole, newpassword } = form.elements;
    attempt(async () => {
      await api.put(`/users/${api.name(name.value)}`, { role: userrole.value, ...(newpassword.value ? { password: newpassword.value } : {}) });
      form.reset();
      await done();
    }, send);
  });
  return form;
}

/** changed: is called when tokens may have gone with a user. */
export async function usersPart(changed) {
  const list = h("div");
  async function remove(user) {
    if (!confirm(`Delete the user ${user.name} and the tokens of that name? What they have under way ends.`)) return;
    await api.del(`/users/${api.name(user.name)}`);
    await load();
    await changed();
  }
  async function load() {
    const { items } = await api.get("/users");
    list.replaceChildren(table(["Name", "Role", "Password", "Certificates", "Survives a restart", ""], items.map((u) => [
      u.name, u.role, u.has_password ? "yes" : "no", String(u.certs.length), u.survives_reboot ? "yes" : "no",
      u.source === "api" ? button("Delete", (e) => attempt(() => remove(u), e.target), "danger") : null,
    ]), "There are none."));
  }
  await load();
  return [h("h2", null, "Users"), list, makeForm(async () => { await load(); await changed(); })];
}
