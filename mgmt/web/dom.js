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

export function select(name, options, value) {
  return h("select", { name }, options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
}

/** heads: names; those with a leading # are columns of numbers. */
export function table(heads, rows, none) {
  if (!rows.length) return h("p", { class: "soft" }, none);
  const kind = (i) => (heads[i].startsWith("#") ? "number" : null);
  return h("div", { class: "scroll" }, h("table", null,
    h("thead", null, h("tr", null, heads.map((t, i) => h("th", { scope: "col", class: kind(i) }, t.replace("#", ""))))),
    h("tbody", null, rows.map((row) => h("tr", null, row.map((cell, i) => h("td", { class: kind(i) }, cell)))))));
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

export function duration(ns) {
  const s = Math.floor(ns / 1e9);
  const parts = [[Math.floor(s / 86400), "d"], [Math.floor(s / 3600) % 24, "h"], [Math.floor(s / 60) % 60, "min"], [s % 60, "s"]];
  const first = parts.findIndex(([n]) => n > 0);
  return parts.slice(first < 0 ? 3 : first).slice(0, 2).map(([n, u]) => `${n} ${u}`).join(" ");
}

export function say(text, isBad) {
  const message = h("div", { class: isBad ? "message bad" : "message" }, text);
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

/** Runs what may fail; tells the user, and disables the button meanwhile. */
export async function attempt(work, element) {
  if (element) element.disabled = true;
  try {
    return await work();
  } catch (error) {
    say([error.message, error.hint].filter(Boolean).join(" "), true);
    return undefined;
  } finally {
    if (element) element.disabled = false;
  }
}

export function show(...children) {
  document.getElementById("main").replaceChildren(...children.flat().filter((c) => c != null));
}
