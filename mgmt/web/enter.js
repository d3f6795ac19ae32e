// SPDX-License-Identifier: BSD-2-Clause
// Claiming a new host, or signing in by a password or a token.
import * as api from "./api.js";
import { h, show, field, attempt, button } from "./dom.js";

/** A card with inputs of these names; submit gets what they hold. */
function form(title, text, fields, action, submit) {
  const send = h("button", { type: "submit", class: "main" }, action);
  const element = h("form", {
    class: "card",
    onsubmit: (event) => {
      event.preventDefault();
      attempt(() => submit(Object.fromEntries(new FormData(element))), send);
    },
  }, h("h1", null, title), h("p", null, text),
  ...fields.map(([label, attributes]) => field(label, h("input", { spellcheck: "false", autocapitalize: "none", ...attributes }))), send);
  show(element);
  element.elements[0].focus();
}

/** The administrator's token is shown once. */
function keep(token, entered) {
  show(h("section", { class: "card" },
    h("h1", null, "The host is yours"),
    h("p", null, "This is the administrator's token. It is shown only now: keep it in a safe place, it lets you in again."),
    h("code", { class: "token", id: "token" }, token),
    h("div", { class: "row" },
      button("Copy", () => navigator.clipboard.writeText(token)),
      button("I have it", () => entered(), "main"))));
}

function signIn(host, entered) {
  form(host.name, "Sign in with your name and password, or with a token alone.", [
    ["User", { name: "user", autocomplete: "username" }],
    ["Password or token", { name: "secret", type: "password", required: true, autocomplete: "current-password" }],
  ], "Sign in", async ({ user, secret }) => {
    await api.signIn(secret.trim().startsWith("socle1.") ? { token: secret.trim() } : { user: user.trim(), password: secret });
    entered();
  });
}

function claim(host, entered) {
  form(host.name, "Nobody has claimed this host yet. Its claim code is on its screen and serial console. "
    + "With a password you can sign in by name later; without one, by the token you get now.", [
    ["Claim code", { name: "secret", required: true, autocomplete: "off", placeholder: "ABCD-EFGH-JKMN" }],
    ["User", { name: "user", value: "admin", required: true, autocomplete: "username" }],
    ["Password, 8 characters or more, if wanted", { name: "password", type: "password", minlength: 8, autocomplete: "new-password" }],
  ], "Claim", async ({ secret, user, password }) => {
    const made = await api.post("/claim", { code: secret.trim(), user: user.trim(), ...(password ? { password } : {}) });
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
