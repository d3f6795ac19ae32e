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

/** #/vm/NAME/PART: a view gets what is behind its name, and returns how to leave it, if there is something to stop. */
async function enterView() {
  if (leave) leave();
  leave = null;
  if (!api.session) {
    setFrame(false);
    await attempt(() => enter(go));
    return;
  }
  setFrame(true);
  const [, key, argument, part] = location.hash.split("/");
  const known = key in VIEWS ? key : "vms";
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === { vm: "vms", new: "vms" }[known] || link.dataset.view === known) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const old of document.querySelectorAll(".message.bad")) old.remove(); /* it was about what is left now */
  show(h("p", { class: "soft" }, "Loading…"));
  leave = await attempt(async () => {
    const host = document.getElementById("host-name");
    if (!host.textContent) host.textContent = (await api.get("/")).name;
    const stop = await VIEWS[known][0](decodeURIComponent(argument || ""), part);
    document.title = `${document.querySelector("h1").textContent} – ${host.textContent}`;
    return stop;
  });
}

/** One after the other: a view that is still loading would write over the next one. Those passed over meanwhile are left out. */
function go() {
  const turn = ++turns;
  going = going.then(() => (turn === turns ? enterView() : undefined));
}

document.querySelector("nav").append(...Object.entries(VIEWS).filter(([, [, text]]) => text)
  .map(([key, [, text]]) => h("a", { href: `#/${key}`, "data-view": key }, text)));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); /* the address says which view is shown */
  document.getElementById("main").focus();
});
document.getElementById("sign-out").addEventListener("click", () => api.signOut());
api.whenSignedOut(() => { say("The session has ended."); go(); });
window.addEventListener("hashchange", go);
go();
