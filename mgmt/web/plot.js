// SPDX-License-Identifier: BSD-2-Clause
// Plots of the last minutes, from the columns of …/metrics.
import * as api from "./api.js";
import { h, select, bytes } from "./dom.js";

const POINTS = 300;
const SVG = "http://www.w3.org/2000/svg";
const SPANS = [[300, "5 minutes"], [3600, "1 hour"]];

export const cpus = (n) => `${(n / 1000).toFixed(2)} CPU`;
export const perSecond = (n) => `${bytes(n)}/s`;
export const count = (n) => `${Math.round(n)}/s`;

function svg(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** One figure: series are [column, name]. */
function figure(title, series, unit, least) {
  const paths = series.map((_, i) => svg("path", { class: `s${i}` }));
  const values = series.map(() => h("span"));
  const top = h("span", { class: "soft" });
  const picture = svg("svg", { viewBox: `0 0 ${POINTS - 1} 100`, preserveAspectRatio: "none", role: "img", "aria-label": title });
  picture.append(...paths);
  const element = h("figure", { class: "plot card", "data-plot": title },
    h("figcaption", null, h("strong", null, title)),
    picture,
    h("div", { class: "legend" }, series.map(([, text], i) => h("span", null, h("span", { class: `key${i}` }, "■ "), `${text}: `, values[i])), top));
  function draw(columns) {
    const all = series.map(([column]) => columns[column] || []);
    const max = Math.max(least, ...all.flat()) * 1.05;
    all.forEach((column, i) => {
      const from = POINTS - column.length;
      paths[i].setAttribute("d", column.map((v, x) => `${x ? "L" : "M"}${from + x} ${(100 - (v / max) * 100).toFixed(1)}`).join(""));
      const last = column.length ? column[column.length - 1] : 0;
      values[i].textContent = unit(last);
      element.setAttribute(`data-last-${i}`, last);
      element.setAttribute(`data-points-${i}`, column.length);
    });
    top.textContent = `top: ${unit(max)}`;
  }
  return { element, draw };
}

/** Live plots of a path's metrics. figures: [title, [[column, name]…], unit, least top]. Returns {element, stop}. */
export function plots(path, figures) {
  const made = figures.map((f) => figure(...f));
  const span = select("span", SPANS, SPANS[0][0]);
  let columns = {}, next = 0, timer = 0, stopped = false;

  async function load() {
    const seconds = Number(span.value), step = seconds / POINTS;
    try {
      const since = next || -1;
      const reply = await api.get(`${path}?since_ms=${since < 0 ? 0 : since}&step_ms=${step * 1000}`);
      for (const [key, values] of Object.entries(reply.columns)) columns[key] = [...(since < 0 ? [] : columns[key] || []), ...values].slice(-POINTS);
      if (reply.count) next = reply.begin_ms + reply.count * reply.step_ms;
      made.forEach((f) => f.draw(columns));
    } catch (error) {
      if (error.status === 404) stopped = true; /* it is gone; others pass by */
    }
    if (!stopped) timer = setTimeout(load, Math.max(1000, step * 1000));
  }
  function again() {
    clearTimeout(timer);
    columns = {};
    next = 0;
    load();
  }
  span.addEventListener("change", again);
  again();
  const element = h("section", null,
    h("div", { class: "row" }, h("h2", null, "Plots"), h("label", { class: "inline" }, "of the last", span)),
    h("div", { class: "cards" }, made.map((f) => f.element)));
  return { element, stop() { stopped = true; clearTimeout(timer); } };
}
