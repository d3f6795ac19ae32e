// SPDX-License-Identifier: BSD-2-Clause
// The host's log, as it grows, and who did what.
import * as api from "./api.js";
import { h, show, renew, table, select, field, button, attempt, when, duration } from "./dom.js";

const PERIOD_MS = 2000;
const LINES_MAX = 2000;
const AUDIT_MAX = 200;

const line = (r) => `[${(r.time_ns / 1e9).toFixed(3).padStart(10)}] ${r.level[0].toUpperCase()} ${r.subsystem}: ${r.text}\n`;

/** The newest of the audit log, for administrators. */
function auditPart() {
  const list = h("div");
  async function load() {
    const entries = (await api.get("/audit")).slice(-AUDIT_MAX).reverse();
    renew(list, table(["When", "Who", "From", "What", "#Answer", "#Times"], entries.map((e) => [
      when(e.time, `${duration(e.uptime_ns)} up`), [e.user || "nobody", e.via ? ` by ${e.via}` : "", e.token ? ` ${e.token}` : ""].join(""), e.source,
      h("code", null, `${e.method} ${e.path}`), e.status, e.count,
    ]), "Nothing has been changed, and nobody has tried to come in."));
  }
  const again = button("Load again", (e) => attempt(load, e.target));
  const element = h("details", { ontoggle: () => { if (element.open) attempt(load); } },
    h("summary", null, "Audit: who changed what, and who tried to come in"), h("div", { class: "row" }, again), list);
  return element;
}

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
  show(h("h1", null, "Log"), h("div", { class: "row" }, field("Level", level)), text, api.may("admin") ? auditPart() : null);
  await load();
  return () => { stopped = true; clearTimeout(timer); };
}
