// SPDX-License-Identifier: BSD-2-Clause
// Users: who comes in by a password or a certificate. A part of the tokens page, for administrators.
import * as api from "./api.js";
import { h, renew, table, field, form, words, select, button, attempt } from "./dom.js";

const ROLES = ["viewer", "operator", "admin"].map((r) => [r, r]);

/** Certificates are sent when they are not what "Change" has filled in. */
function makeForm(done) {
  const element = form("card", "New or changed user", [
    field("Name", h("input", { name: "name", required: true, autocomplete: "off", spellcheck: "false" })),
    field("Role", select("userrole", ROLES)),
    field("Password, 8 characters or more; empty: as it is", h("input", { name: "newpassword", type: "password", minlength: 8, autocomplete: "new-password" })),
    field("Certificates, one a line: their SHA-256, or names in those the client CA has signed", h("textarea", { name: "certs", rows: 2, spellcheck: "false" })),
  ], "Save", async ({ name, userrole, newpassword, certs }) => {
    await api.put(`/users/${api.name(name.value)}`, { role: userrole.value, ...(newpassword.value ? { password: newpassword.value } : {}),
      ...(certs.value !== certs.defaultValue ? { certs: words(certs.value) } : {}) });
    certs.defaultValue = "";
    element.reset();
    await done();
  });
  return element;
}

function fill(element, user) {
  const { name, userrole, certs } = element.elements;
  element.reset();
  name.value = user.name;
  userrole.value = user.role;
  certs.defaultValue = user.certs.join("\n");
  name.focus();
}

/** changed: is called when tokens may have gone with a user. */
export async function usersPart(changed) {
  const list = h("div");
  const element = makeForm(async () => { await load(); await changed(); });
  async function remove(user) {
    if (!confirm(`Delete the user ${user.name} and the tokens of that name? What they have under way ends.`)) return;
    await api.del(`/users/${api.name(user.name)}`);
    await load();
    await changed();
  }
  async function load() {
    const { items } = await api.get("/users");
    renew(list, table(["Name", "Role", "Password", "Certificates", "Kept", ""], items.map((u) => [
      u.name, u.role, u.has_password ? "yes" : "no", h("span", { class: "wrap" }, u.certs.join(", ")), u.survives_reboot ? "yes" : "until the host restarts",
      u.source === "api" ? h("div", { class: "row" }, button("Change", () => fill(element, u)),
        button("Delete", (e) => attempt(() => remove(u), e.target), "danger")) : null,
    ]), "There are none."));
  }
  await load();
  return [h("h2", null, "Users"), list, element];
}
