// SPDX-License-Identifier: BSD-2-Clause
// Tasks: what goes on after its request was answered, with its progress, and how to end it.
import * as api from "./api.js";
import { h, show, renew, table, button, attempt, repeater, bytes, when, duration } from "./dom.js";

const isActive = (task) => task.state === "queued" || task.state === "running";

/** A bar with what is done, how fast it goes and what is left. */
function progressOf(task) {
  const p = task.progress;
  if (!p) return null;
  const left = p.eta_ms === undefined ? null : `${duration(p.eta_ms * 1e6)} left`;
  const size = p.total_bytes ? `${bytes(p.done_bytes)} of ${bytes(p.total_bytes)}` : bytes(p.done_bytes);
  const text = [size, ...(isActive(task) ? [`${bytes(p.rate_bytes_per_s)}/s`, left] : [])].filter(Boolean).join(", ");
  return [isActive(task) ? h("progress", { max: 1, value: p.ratio, "aria-label": `Progress of task ${task.id}` }) : null,
    h("span", { class: "soft" }, text)];
}

export async function tasksView() {
  const list = h("div");
  const again = repeater(load, 1000);
  async function cancel(task) {
    await api.del(`/tasks/${task.id}`);
    await load();
  }
  async function load() {
    const { items } = await api.get("/tasks");
    renew(list, table(["#Id", "What", "On", "State", "Progress", "Begun", "Ended", "Error", ""], items.reverse().map((t) => [
      t.id, t.kind, t.target, t.state, progressOf(t), when(t.created_at), when(t.finished_at),
      t.error ? [t.error.detail, t.error.hint].filter(Boolean).join(" ") : "",
      t.cancellable && api.may("operator") ? button("Cancel", (e) => attempt(() => cancel(t), e.target), "danger") : null,
    ]), "There were none since the host has started."));
    // Events tell of changes; bars want more.
    again.loaded(items.some((t) => isActive(t) && t.progress));
  }
  await load();
  show(h("h1", null, "Tasks"), list);
  const stop = api.events("task", () => attempt(load));
  return () => {
    again.stop();
    stop();
  };
}
