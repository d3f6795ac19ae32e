// SPDX-License-Identifier: BSD-2-Clause
// Tasks: what goes on after its request was answered.
import * as api from "./api.js";
import { h, show, table, attempt } from "./dom.js";

export async function tasksView() {
  const list = h("div");
  async function load() {
    const { items } = await api.get("/tasks");
    list.replaceChildren(table(["#Id", "What", "On", "State", "Begun", "Ended", "Error"], items.reverse().map((t) => [
      t.id, t.kind, t.target, t.state, (t.created_at || "").slice(0, 19), (t.finished_at || "").slice(0, 19), t.error || "",
    ]), "There were none since the host has started."));
  }
  await load();
  show(h("h1", null, "Tasks"), list);
  return api.events("task", () => attempt(load));
}
