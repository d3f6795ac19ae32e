// SPDX-License-Identifier: BSD-2-Clause
// The page: signing in, and which view is shown for which address.
import * as api from "./api.js";
import { h, show, say, attempt } from "./dom.js";
import { enter } from "./enter.js";
import { hostView } from "./host.js";
import { vmsView } from "./vms.js";
import { vmView } from "./vm.js";
import { newVmView } from "./newvm.js";
import { imagesView } from "./images.js";
import { volumesView } from "./volumes.js";
import { networksView } from "./networks.js";
import { tasksView } from "./tasks.js";
import { logView } from "./log.js";
import { tokensView } from "./tokens.js";

const VIEWS = {
  host: [hostView, "Host"], vms: [vmsView, "VMs"], images: [imagesView, "Images"], volumes: [volumesView, "Volumes"],
  networks: [networksView, "Networks"], tasks: [tasksView, "Tasks"], log: [logView, "Log"], tokens: [tokensView, "Tokens"],
  vm: [vmView], new: [newVmView],
};

let leave = null;
let turns = 0;
let going = Promise.resolve();

function setFrame(isIn) {
  const header = document.querySelector("header");
  header.hidden = !isIn;
  document.getElementById("who").textContent = isIn ? `${api.session.user} (${api.session.role})` : "";
}

/** #/vm/NAME: a view gets what is behind its name, and returns how to leave it, if there is something to stop. */
async function enterView() {
  if (leave) leave();
  leave = null;
  if (!api.session) {
    setFrame(false);
    await attempt(() => enter(go));
    return;
  }
  setFrame(true);
  const [, key, argument] = location.hash.split("/");
  const known = key in VIEWS ? key : "vms";
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === { vm: "vms", new: "vms" }[known] || link.dataset.view === known) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  show(h("p", { class: "soft" }, "Loading…"));
  leave = await attempt(() => VIEWS[known][0](decodeURIComponent(argument || "")));
}

/** One after the other: a view that is still loading would write over the next one. Those passed over meanwhile are left out. */
function go() {
  const turn = ++turns;
  going = going.then(() => (turn === turns ? enterView() : undefined));
}

document.querySelector("nav").append(...Object.entries(VIEWS).filter(([, [, text]]) => text)
  .map(([key, [, text]]) => h("a", { href: `#/${key}`, "data-view": key }, text)));
document.getElementById("sign-out").addEventListener("click", () => api.signOut());
api.whenSignedOut(() => { say("The session has ended."); go(); });
window.addEventListener("hashchange", go);
go();
