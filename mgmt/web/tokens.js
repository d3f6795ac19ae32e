// SPDX-License-Identifier: BSD-2-Clause
// Tokens: who may come in.
import * as api from "./api.js";
import { usersPart } from "./users.js";
import { h, show, table, field, select, button, attempt } from "./dom.js";

function makeForm(done) {
  const roles = ["viewer", "operator", "admin"].filter(api.may);
  const made = h("div", { role: "status" });
  const send = h("button", { type: "submit", class: "main" }, "Create");
  const form = h("form", { class: "card" }, h("h2", null, "New token"),
    field("For", h("input", { name: "user", value: api.session.user, required: true, autocomplete: "off", readonly: !api.may("admin") })),
    field("Role", select("role", roles.map((r) => [r, r]))),
    field("Only VMs with these tags (empty: all)", h("input", { name: "tags", autocomplete: "off", placeholder: "web, test" })), send, made);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { user, role, tags } = form.elements;
    const only = tags.value.split(",").map((t) => t.trim()).filter(Boolean);
    attempt(async () => {
      const token = await api.post("/tokens", { user: user.value, role: role.value, ...(only.length ? { vm_tags: only } : {}) });
      made.replaceChildren(h("p", null, "It is shown only now:"), h("code", { class: "token" }, token.token));
      await done();
    }, send);
  });
  return form;
}

export async function tokensView() {
  const list = h("div");
  async function remove(token) {
    if (!confirm(`Delete the token ${token.id} of ${token.user}? What it has under way ends.`)) return;
    await api.del(`/tokens/${api.name(token.id)}`);
    await load();
  }
  async function load() {
    const { items } = await api.get("/tokens");
    list.replaceChildren(table(["Id", "User", "Role", "For VMs", "Made", "Expires", "Survives a restart", ""], items.map((t) => [
      h("code", null, t.id), t.user, t.role, t.vm_tags ? t.vm_tags.join(", ") : "all", (t.created_at || "").slice(0, 19), (t.expires_at || "never").slice(0, 19), t.survives_reboot ? "yes" : "no",
      t.source === "api" ? button("Delete", (e) => attempt(() => remove(t), e.target), "danger") : null,
    ]), "There are none."));
  }
  await load();
  const users = api.may("admin") ? await usersPart(load) : [];
  show(h("h1", null, "Tokens"), list, makeForm(load), ...users);
}
