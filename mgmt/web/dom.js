// SPDX-License-Identifier: BSD-2-Clause
// Elements, messages, and numbers as people read them.

/** An element: attributes, on… listeners, children (text, elements, lists of them; null is none). */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat(2).filter((c) => c != null));
  return element;
}

export function button(text, onclick, kind) {
  return h("button", { type: "button", class: kind, onclick }, text);
}

/** A label with a field in it. */
export function field(text, input) {
  return h("label", null, text, input);
}

export function checkbox(text, name, isChecked) {
  return h("label", { class: "inline" }, h("input", { name, type: "checkbox", checked: isChecked }), text);
}

/** options: [value, text], or [heading, [[value, text]…]]. */
export function select(name, options, value) {
  const one = ([key, text]) => h("option", { value: key, selected: key === value }, text);
  return h("select", { name }, options.map((o) => (Array.isArray(o[1]) ? h("optgroup", { label: o[0] }, o[1].map(one)) : one(o))));
}

export const named = (items) => items.map((i) => [i.name, i.name]);

/** A certificate in PEM, pasted, or taken from a file. */
export function pemField(text, name, hint) {
  const area = h("textarea", { name, rows: 3, spellcheck: "false", placeholder: hint });
  const file = h("input", { type: "file", "aria-label": `${text}: a file`, accept: ".pem,.crt,.cer",
    onchange: async () => { if (file.files.length) area.value = await file.files[0].text(); } });
  return h("label", null, text, area, file);
}

/** What is in the lines, or between commas, of a text. */
export const words = (text) => text.split(/[\n,]/).map((t) => t.trim()).filter(Boolean);

/** A form whose submit(its elements, button) may fail; the button cannot be pressed again meanwhile. */
export function form(kind, title, fields, action, submit) {
  const send = h("button", { type: "submit", class: "main" }, action);
  const element = h("form", {
    class: kind,
    onsubmit: (event) => {
      event.preventDefault();
      attempt(() => submit(element.elements), send);
    },
  }, title ? h("h2", null, title) : null, fields, send);
  return element;
}

/** heads: names; those with a leading # are columns of numbers. Buttons are told apart by what their row is about. */
export function table(heads, rows, none) {
  if (!rows.length) return h("p", { class: "soft" }, none);
  const kind = (i) => (heads[i].startsWith("#") ? "number" : null);
  const title = (i) => heads[i].replace("#", "");
  const lines = rows.map((row) => h("tr", null, row.map((cell, i) => h("td", { class: kind(i), "data-head": title(i) }, cell))));
  for (const line of lines) {
    for (const b of line.querySelectorAll("button")) b.setAttribute("aria-label", `${b.textContent} ${line.cells[0].textContent}`);
  }
  return h("div", { class: "scroll" }, h("table", null,
    h("thead", null, h("tr", null, heads.map((_, i) => h("th", { scope: "col", class: kind(i) }, title(i))))), h("tbody", null, lines)));
}

const nameOf = (element) => element.getAttribute("aria-label") || element.textContent;

/** Shows what was loaded anew; who was on a button or link there by keyboard is on its successor, or before all of it. */
export function renew(place, ...children) {
  const old = place.contains(document.activeElement) ? document.activeElement : null;
  place.replaceChildren(...children.flat().filter((c) => c != null));
  if (!old) return;
  const next = [...place.querySelectorAll("a, button")].find((e) => nameOf(e) === nameOf(old));
  place.tabIndex = -1;
  (next || place).focus({ preventScroll: true });
}

export function facts(pairs) {
  return h("dl", null, pairs.filter(([, v]) => v != null && v !== "").map(([k, v]) => [h("dt", null, k), h("dd", null, v)]));
}

export function stateBadge(state) {
  return h("span", { class: `state ${state}` }, state);
}

export function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  for (; n >= 1024 && i < units.length - 1; i++) n /= 1024;
  return `${n >= 100 || i === 0 ? Math.round(n) : n.toFixed(1)} ${units[i]}`;
}

/** A time of the API, to the second, in UTC. */
export const when = (time, none) => (time ? time.slice(0, 19).replace("T", " ") : none);

/** When what is up so long began: that does not grow old on a page that is not loaded again. */
export const upSince = (ns) => (ns ? `${when(new Date(Date.now() - ns / 1e6).toISOString())} UTC` : "");

export function duration(ns) {
  const s = Math.floor(ns / 1e9);
  const parts = [[Math.floor(s / 86400), "d"], [Math.floor(s / 3600) % 24, "h"], [Math.floor(s / 60) % 60, "min"], [s % 60, "s"]];
  const first = parts.findIndex(([n]) => n > 0);
  return parts.slice(first < 0 ? 3 : first).slice(0, 2).map(([n, u]) => `${n} ${u}`).join(" ");
}

export function say(text, isBad) {
  const message = h("div", { class: isBad ? "message bad" : "message", role: isBad ? "alert" : null }, text);
  document.getElementById("messages").append(message);
  setTimeout(() => message.remove(), isBad ? 12000 : 5000);
}

/** Loads again after a while what no event tells of. A tab nobody sees asks for nothing. */
export function repeater(load, ms) {
  let timer = 0, isOver = false;
  return {
    /** What is loaded now is the newest; isMoving: it will change. */
    loaded(isMoving) {
      clearTimeout(timer);
      if (isMoving && !isOver && !document.hidden) timer = setTimeout(() => attempt(load), ms);
    },
    stop() {
      isOver = true;
      clearTimeout(timer);
    },
  };
}

/** Runs what may fail; tells the user. The button does nothing meanwhile, and is not disabled: that would take the focus from it. */
export async function attempt(work, element) {
  if (element && element.ariaDisabled) return undefined;
  if (element) element.ariaDisabled = "true";
  try {
    return await work();
  } catch (error) {
    say([error.message, error.hint].filter(Boolean).join(" "), true);
    return undefined;
  } finally {
    if (element) element.ariaDisabled = null;
  }
}

export function show(...children) {
  document.getElementById("main").replaceChildren(...children.flat().filter((c) => c != null));
}
