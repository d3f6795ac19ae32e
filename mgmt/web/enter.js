// SPDX-License-Identifier: BSD-2-Clause
// Claiming a new host, or signing in by a password or a token.
import * as api from "./api.js";
import { h, show, field, form, button, attempt } from "./dom.js";

/** A card with inputs of these names. */
function ask(title, text, fields, action, submit) {
  const element = form("card", null, [h("h1", null, title), h("p", null, text),
    ...fields.map(([label, attributes]) => field(label, h("input", { spellcheck: "false", autocapitalize: "none", ...attributes })))], action, submit);
  show(element);
  element.elements[0].focus();
}

/** A host without VMs is for making one. */
async function begin(entered) {
  const { items } = await api.get("/vms?limit=1&fields=name");
  if (!items.length) location.hash = "#/new";
  entered();
}

/** The administrator's token is shown once. */
function keep(token, entered) {
  show(h("section", { class: "card" },
    h("h1", null, "The host is yours"),
    h("p", null, "This is the administrator's token. It is shown only now: keep it in a safe place, it lets you in again."),
    h("code", { class: "token", id: "token" }, token),
    h("div", { class: "row" },
      button("Copy", () => navigator.clipboard.writeText(token)),
      button("I have it", (e) => attempt(() => begin(entered), e.target), "main"))));
}

function signIn(host, entered) {
  ask(host.name, "Sign in with your name and password, or with a token alone.", [
    ["User", { name: "user", autocomplete: "username" }],
    ["Password or token", { name: "secret", type: "password", required: true, autocomplete: "current-password" }],
  ], "Sign in", async ({ user, secret }) => {
    const token = secret.value.trim();
    await api.signIn(token.startsWith("socle1.") ? { token } : { user: user.value.trim(), password: secret.value });
    entered();
  });
}

function claim(host, entered) {
  ask(host.name, "Nobody has claimed this host yet. Its claim code is on its screen and serial console. "
    + "With a password you can sign in by name later; without one, by the token you get now.", [
    ["Claim code", { name: "secret", required: true, autocomplete: "off", placeholder: "ABCD-EFGH-JKMN" }],
    ["User", { name: "user", value: "admin", required: true, autocomplete: "username" }],
    ["Password, 8 characters or more, if wanted", { name: "password", type: "password", minlength: 8, autocomplete: "new-password" }],
  ], "Claim", async ({ secret, user, password }) => {
    const made = await api.post("/claim", { code: secret.value.trim(), user: user.value.trim(), ...(password.value ? { password: password.value } : {}) });
    await api.signIn({ token: made.token });
    keep(made.token, entered);
  });
}

export async function enter(entered) {
  const host = await api.get("/");
  document.getElementById("host-name").textContent = host.name;
  document.title = host.name;
  if (host.claimed) signIn(host, entered);
  else claim(host, entered);
}
