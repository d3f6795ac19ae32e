// SPDX-License-Identifier: BSD-2-Clause
// The public API, with the session's cookie and its CSRF secret.
const BASE = "/api/v1";
const KEY = "socle-session";

/** {user, role, csrf} of the last sign-in; the cookie, which no script sees, may have ended since. */
export let session = JSON.parse(localStorage.getItem(KEY) || "null");

let onSignedOut = () => {};
export function whenSignedOut(fn) { onSignedOut = fn; }

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `The host answered ${status}.`);
    this.status = status;
    this.hint = body.hint;
  }
}

function forget() {
  localStorage.removeItem(KEY);
  session = null;
}

async function failure(reply) {
  const body = await reply.json().catch(() => ({}));
  if (reply.status === 401 && session) {
    forget();
    onSignedOut();
  }
  return new Problem(reply.status, body);
}

async function send(method, path, body, headers) {
  const isPlain = body === undefined || body instanceof Blob || typeof body === "string" || body instanceof Uint8Array;
  const reply = await fetch(BASE + path, {
    method,
    headers: { ...(session ? { "X-CSRF-Token": session.csrf } : {}), ...(isPlain ? {} : { "Content-Type": "application/json" }), ...headers },
    body: isPlain ? body : JSON.stringify(body),
  });
  if (!reply.ok) throw await failure(reply);
  return reply;
}

async function content(reply) {
  const type = reply.headers.get("Content-Type") || "";
  if (type.includes("ndjson")) return (await reply.text()).split("\n").filter(Boolean).map((line) => JSON.parse(line));
  return type.includes("json") ? reply.json() : reply.text();
}

export const request = async (...what) => content(await send(...what));

/** What is there, and its tag for If-Match. */
export async function tagged(path) {
  const reply = await send("GET", path);
  return [await content(reply), reply.headers.get("ETag")];
}

/** Only if nobody has changed it since that tag. */
export function change(method, path, body, tag) {
  return request(method, path, body, { "If-Match": tag }).catch((error) => {
    throw error.status === 412 ? new Error("Somebody else has changed it meanwhile. Look at what it is now, and try again.") : error;
  });
}

export const get = (path) => request("GET", path);
export const put = (path, body) => request("PUT", path, body);
export const post = (path, body) => request("POST", path, body);
export const del = (path) => request("DELETE", path);
export const name = encodeURIComponent;

/** credentials: {token} or {user, password}. */
export async function signIn(credentials) {
  const made = await post("/sessions", credentials);
  session = made;
  localStorage.setItem(KEY, JSON.stringify(made));
}

export async function signOut() {
  await del("/sessions").catch(() => {});
  forget();
  onSignedOut();
}

export function may(role) {
  const roles = ["viewer", "operator", "admin"];
  return session !== null && roles.indexOf(session.role) >= roles.indexOf(role);
}

/** One request of an upload. Resolves to the answer; rejects with a Problem, of status 0 if the connection broke. */
function sendFile(method, path, headers, body, progress) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open(method, BASE + path);
    for (const [key, value] of Object.entries({ "X-CSRF-Token": session.csrf, ...headers })) xhr.setRequestHeader(key, value);
    xhr.upload.onprogress = (event) => progress(event.loaded);
    xhr.onload = () => {
      if (xhr.status < 300) resolve(xhr);
      else reject(Object.assign(new Problem(xhr.status, JSON.parse(xhr.responseText || "{}")), { offset: xhr.getResponseHeader("Upload-Offset") }));
    };
    xhr.onerror = () => reject(new Problem(0, { detail: "The connection broke, and could not be made again.", hint: "Try it again." }));
    xhr.send(body);
  });
}

/** How far the host is with an upload; null: it has nothing of it. */
async function uploadOffset(path) {
  const head = await sendFile("HEAD", path, {}, null, () => {}).catch((error) => {
    if (error.status === 0) throw error;
    return null;
  });
  const isOpen = head && head.getResponseHeader("Upload-Complete") === "?0";
  return isOpen ? Number(head.getResponseHeader("Upload-Offset")) : null;
}

const ATTEMPTS = 6;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Sends a file to the image's path; goes on where the host has it when the connection breaks. progress(sent, note).
 */
export async function upload(path, query, file, progress) {
  const type = { "Content-Type": "application/octet-stream", "Upload-Complete": "?1" };
  let offset = null, attempt = 0;
  for (;;) {
    const from = offset || 0;
    let sent = from;
    const tell = (bytes) => { sent = from + bytes; progress(sent, ""); };
    try {
      const done = offset === null
        ? await sendFile("PUT", path + query, type, file, tell)
        : await sendFile("PATCH", path, { ...type, "Upload-Offset": offset }, file.slice(offset), tell);
      return JSON.parse(done.responseText || "null");
    } catch (error) {
      const isBroken = error.status === 0 || (error.status === 409 && error.offset !== null);
      if (!isBroken || (offset === null && sent === 0)) throw error;
      attempt = sent > from ? 1 : attempt + 1;
      for (;; attempt++) {
        if (attempt > ATTEMPTS) throw error;
        progress(sent, "The connection broke; going on…");
        await pause(1000 * Math.min(2 ** (attempt - 1), 8));
        try {
          offset = await uploadOffset(path);
          break;
        } catch { /* not yet */ }
      }
    }
  }
}

/**
 * Calls changed(event) for what happens on the host, and with type "gap" when something may have been missed. A tab
 * nobody sees has no stream: browsers have few connections to a host. Returns how to stop.
 */
export function events(types, changed) {
  let source = null, wasHidden = false;
  const tell = (event) => changed(event.type === "gap" ? { type: "gap" } : JSON.parse(event.data));
  function end() {
    if (source) source.close();
    source = null;
  }
  function follow() {
    end();
    if (document.hidden) {
      wasHidden = true;
      return;
    }
    source = new EventSource(`${BASE}/events?types=${types}`);
    for (const type of [...types.split(","), "gap"]) source.addEventListener(type, tell);
    if (wasHidden) changed({ type: "gap" });
  }
  document.addEventListener("visibilitychange", follow);
  follow();
  return () => {
    document.removeEventListener("visibilitychange", follow);
    end();
  };
}

export function consoleSocket(vm) {
  return new WebSocket(`wss://${location.host}${BASE}/vms/${name(vm)}/consoles/0/ws`, "socle-console");
}
