// SPDX-License-Identifier: BSD-2-Clause
// The host's log, as it grows.
import * as api from "./api.js";
import { h, show, select, field } from "./dom.js";

const PERIOD_MS = 2000;
const LINES_MAX = 2000;

const line = (r) => `[${(r.time_ns / 1e9).toFixed(3).padStart(10)}] ${r.level[0].toUpperCase()} ${r.subsystem}: ${r.text}\n`;

export async function logView() {
  const level = select("level", ["error", "warn", "info", "debug"].map((l) => [l, l]), "info");
  const text = h("pre", { class: "log", tabindex: 0, "aria-label": "The host's log" });
  let since = 0, timer = 0, stopped = false;
  async function load() {
    const atEnd = text.scrollTop + text.clientHeight >= text.scrollHeight - 5;
    const records = await api.get(`/host/log?level=${level.value}&since_seq=${since}`).catch(() => []);
    if (records.length) since = records[records.length - 1].seq;
    text.append(...records.map(line));
    while (text.childNodes.length > LINES_MAX) text.firstChild.remove();
    if (atEnd) text.scrollTop = text.scrollHeight;
    if (!stopped) timer = setTimeout(load, PERIOD_MS);
  }
  level.addEventListener("change", () => { clearTimeout(timer); since = 0; text.replaceChildren(); load(); });
  show(h("h1", null, "Log"), h("div", { class: "row" }, field("Level", level)), text);
  await load();
  return () => { stopped = true; clearTimeout(timer); };
}
