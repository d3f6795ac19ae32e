// SPDX-License-Identifier: BSD-2-Clause
// A VM's console: xterm.js on a WebSocket, or its log for those who may only look.
import * as api from "./api.js";
import { h } from "./dom.js";

const AGAIN_MS = 2000;

let library = null;

function script(src) {
  return new Promise((resolve, reject) => {
    document.head.append(h("script", { src, onload: resolve, onerror: () => reject(new Error(`${src} cannot be loaded.`)) }));
  });
}

/** xterm.js is loaded when it is needed first. */
function load() {
  if (!library) {
    document.head.append(h("link", { rel: "stylesheet", href: "/ui/xterm.css" }));
    library = script("/ui/xterm.js").then(() => script("/ui/addon-fit.js"));
  }
  return library;
}

/** Returns {element, open, stop}. */
export function terminal(vm) {
  const status = h("span", { class: "soft", role: "status" }, "connecting…");
  const place = h("div", { id: "terminal" });
  const after = h("span", { tabindex: -1 });
  const way = api.may("operator") ? h("span", { class: "soft" }, h("kbd", null, "Ctrl"), " ", h("kbd", null, "."), " leaves it") : null;
  const element = h("section", null, h("div", { class: "row" }, h("h2", null, "Console"), status, way), place, after);
  const observer = new ResizeObserver(() => fit && fit.fit());
  const text = new TextEncoder();
  let term = null, fit = null, socket = null, timer = 0, stopped = false;

  function onMessage(event) {
    if (typeof event.data !== "string") {
      term.write(new Uint8Array(event.data));
      return;
    }
    const news = JSON.parse(event.data);
    status.textContent = news.lost_bytes ? `${news.lost_bytes} bytes were lost` : `connected; the VM is ${news.state}`;
  }
  function connect() {
    socket = api.consoleSocket(vm);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => term.reset();
    socket.onmessage = onMessage;
    socket.onclose = () => {
      status.textContent = "not connected";
      if (!stopped) timer = setTimeout(connect, AGAIN_MS);
    };
  }
  async function open(isTypedIn) {
    if (!api.may("operator")) {
      place.replaceChildren(h("pre", { class: "log" }, await api.get(`/vms/${api.name(vm)}/consoles/0/log`)));
      status.textContent = "as it was a moment ago; operators have a live one";
      return;
    }
    await load();
    if (stopped) return;
    /* A guest is not trusted: its links lead nowhere. */
    term = new window.Terminal({ cursorBlink: true, fontSize: 13, scrollback: 5000, screenReaderMode: true, linkHandler: { activate() {} } });
    fit = new window.FitAddon.FitAddon();
    term.loadAddon(fit);
    term.open(place);
    /* Tab is the guest's. What no terminal can send leaves it. */
    term.attachCustomKeyEventHandler((event) => {
      if (!event.ctrlKey || event.key !== ".") return true;
      after.focus();
      return false;
    });
    fit.fit();
    observer.observe(place);
    if (isTypedIn) term.focus();
    term.onData((data) => socket.readyState === WebSocket.OPEN && socket.send(text.encode(data)));
    connect();
  }
  function stop() {
    stopped = true;
    clearTimeout(timer);
    observer.disconnect();
    if (socket) socket.close();
    if (term) term.dispose();
  }
  return { element, stop, open: (isTypedIn) => open(isTypedIn).catch((error) => { status.textContent = error.message; }) };
}
