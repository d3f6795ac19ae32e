// SPDX-License-Identifier: BSD-2-Clause
// What can be done to a VM in its state.
import * as api from "./api.js";
import { button, attempt, say } from "./dom.js";

const ACTIONS = {
  start: ["Start", ["stopped", "crashed"]],
  resume: ["Resume", ["paused"]],
  pause: ["Pause", ["running"]],
  shutdown: ["Shut down", ["running"]],
  reset: ["Reset", ["running", "paused"], "danger"],
  poweroff: ["Power off", ["running", "paused", "starting", "stopping"], "danger"],
};

/** Buttons for those of `wanted` that are possible; done() after one has worked. */
export function actions(vm, wanted, done) {
  if (!api.may("operator")) return [];
  return wanted.filter((key) => ACTIONS[key][1].includes(vm.state)).map((key) => {
    const [text, , kind] = ACTIONS[key];
    const element = button(text, () => attempt(async () => {
      await api.post(`/vms/${api.name(vm.name)}/${key}`);
      if (key === "shutdown") say(`${vm.name} was asked to switch itself off. "Power off" does it at once.`);
      await done();
    }, element), kind);
    element.dataset.action = key;
    return element;
  });
}
