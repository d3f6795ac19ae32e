// SPDX-License-Identifier: BSD-2-Clause
// Claiming a new host, or signing in with a token.
import * as api from "./api.js";
import { h, show, field, button, attempt } from "./dom.js";

function form(title, text, label, attributes, action, submit) {
  const input = h("input", { name: "secret", required: true, autocomplete: "off", spellcheck: "false", ...attributes });
  const send = h("button", { type: "submit", class: "main" }, action);
  const element = h("form", {
    class: "card",
    onsubmit: (event) => { event.preventDefault(); attempt(() => submit(input.value.trim()), send); },
  }, h("h1", null, title), h("p", null, text), field(label, input), send);
  show(element);
  input.focus();
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

export async function enter(entered) {
  const host = await api.get("/");
  document.getElementById("host-name").textContent = host.name;
  document.title = host.name;
  if (host.claimed) {
    form(host.name, "Sign in with a token of this host.", "Token", { type: "password", placeholder: "socle1.…" }, "Sign in", async (token) => {
      await api.signIn(token);
      entered();
    });
    return;
  }
  form(host.name, "Nobody has claimed this host yet. Its claim code is on its screen and serial console.", "Claim code",
    { placeholder: "ABCD-EFGH-JKMN" }, "Claim", async (code) => {
      const made = await api.post("/claim", { code });
      await api.signIn(made.token);
      keep(made.token, entered);
    });
}
