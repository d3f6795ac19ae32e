// SPDX-License-Identifier: BSD-2-Clause
// What cloud-init is to do in a guest, from a user's name and key or as it is.
import { h, field } from "./dom.js";

/** Fields of a form, folded away. */
export function cloudInitFields() {
  return h("details", null, h("summary", null, "cloud-init"),
    field("User", h("input", { name: "ci_user", pattern: "[a-z_][a-z0-9_\\-]{0,31}", title: "a-z, 0-9, _ and -, 32 at most", autocomplete: "off" })),
    field("SSH public keys, one a line", h("textarea", { name: "ci_keys", rows: 2, spellcheck: "false", placeholder: "ssh-ed25519 AAAA…" })),
    field("Or user data", h("textarea", { name: "ci_data", rows: 4, spellcheck: "false", placeholder: "#cloud-config" })));
}

function keysIn(text) {
  const keys = text.split("\n").map((line) => line.trim()).filter(Boolean); /* a key's comment may have a comma */
  const wrong = keys.find((key) => !key.includes(" AAAA"));
  if (wrong) throw new Error(`This is no public key, as files "*.pub" have: ${wrong.slice(0, 40)}`);
  return keys;
}

/** The text for a user who may become root, or for the image's own one; YAML has JSON in it. */
function configOf(user, keys) {
  const who = { name: user, sudo: "ALL=(ALL) NOPASSWD:ALL", shell: "/bin/bash", ssh_authorized_keys: keys };
  return `#cloud-config\n${JSON.stringify(user ? { users: ["default", who] } : { ssh_authorized_keys: keys }, null, 1)}\n`;
}

/** The definition's cloud_init; undefined: there is none. */
export function cloudInitOf(elements) {
  const value = (key) => elements[key].value.trim();
  const keys = keysIn(value("ci_keys"));
  const data = elements.ci_data.value;
  if (data.trim() && (keys.length || value("ci_user"))) throw new Error("User and keys go into the user data, or that stays empty.");
  if (data.trim()) return { user_data: data };
  return keys.length || value("ci_user") ? { user_data: configOf(value("ci_user"), keys) } : undefined;
}
