// SPDX-License-Identifier: BSD-2-Clause
// Tokens: who may come in.
import * as api from "./api.js";
import { usersPart } from "./users.js";
import { h, show, renew, table, field, form, words, select, button, attempt, when } from "./dom.js";

function makeForm(done) {
  const roles = ["viewer", "operator", "admin"].filter(api.may);
  const made = h("div", { role: "status" });
  const element = form("card", "New token", [
    field("For", h("input", { name: "user", value: api.session.user, required: true, autocomplete: "off", readonly: !api.may("admin") })),
    field("Role", select("role", roles.map((r) => [r, r]))),
    field("Only VMs with these tags (empty: all)", h("input", { name: "tags", autocomplete: "off", placeholder: "web, test" })),
    field("Expires (empty: never)", h("input", { name: "expires", type: "datetime-local" })),
  ], "Create", async ({ user, role, tags, expires }) => {
    const only = words(tags.value);
    const token = await api.post("/tokens", { user: user.value, role: role.value, ...(only.length ? { vm_tags: only } : {}),
      ...(expires.value ? { expires_at: new Date(expires.value).toISOString() } : {}) });
    made.replaceChildren(h("p", null, "It is shown only now:"), h("code", { class: "token" }, token.token));
    await done();
  });
  element.append(made);
  return element;
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
    renew(list, table(["Id", "User", "Role", "For VMs", "Made", "Expires", "Kept", ""], items.map((t) => [
      h("code", null, t.id), t.user, t.role, t.vm_tags ? t.vm_tags.join(", ") : "all", when(t.created_at), when(t.expires_at, "never"), t.survives_reboot ? "yes" : "until the host restarts",
      t.source === "api" ? button("Delete", (e) => attempt(() => remove(t), e.target), "danger") : null,
    ]), "There are none."));
  }
  await load();
  const users = api.may("admin") ? await usersPart(load) : [];
  show(h("h1", null, "Tokens"), list, makeForm(load), ...users);
}
