// Getting the new release into this tab: round caches and service workers, and never in a loop.

import { guarded, listen } from "./no-throw.js";

// A service worker that takes longer may go on with what it has.
const WORKER_MS = 6000;
const KEY = "tidings:";
const TRIED_MS = 3600000;

export const pause = (delay) => new Promise((done) => setTimeout(done, delay));

// The release that a load of `url` would bring, and the path of the file that is behind it. Fetching it anew also
// replaces what the browser's cache has.
export async function preflight(url) {
  const address = new URL(url);
  // A service worker answers with what it has for this address; what it does not know it fetches.
  const worker = guarded(() => navigator.serviceWorker.controller)();
  if (worker) address.searchParams.set("tidings", Date.now());
  const headers = { accept: "text/html", "tidings-preflight": "1" };
  const answer = await fetch(address, { cache: "reload", headers });
  if (answer.status >= 500) throw answer.status;
  const [, id] = /\/(?:client|bundle)-\w+\.js\b[^>]* data-release="?([^"\s>]+)/.exec(await answer.text()) || [];
  return { id, path: answer.headers.get("content-location") };
}

// Lets the service worker look for its own new version.
export async function updateWorker() {
  const container = navigator.serviceWorker;
  const worker = container && container.controller;
  if (!worker) return;
  const registration = await container.getRegistration();
  const checked = askAngular(container, worker);
  await registration.update();
  await checked;
  await settled(registration.installing);
  return registration;
}

// Has it take over, if it is ready to.
export function handOver() {
  const work = updateWorker().then((registration) => {
    if (!registration || !registration.waiting) return;
    const taken = next(navigator.serviceWorker, "controllerchange", () => true);
    // What Workbox and the tools above it listen for.
    registration.waiting.postMessage({ type: "SKIP_WAITING" });
    return taken;
  });
  return Promise.race([pause(WORKER_MS), work]).catch(() => {});
}

function askAngular(container, worker) {
  if (!/ngsw/.test(worker.scriptURL)) return;
  const nonce = Math.floor(Math.random() * 1e9);
  const done = next(container, "message", ({ data }) => data && data.nonce === nonce);
  container.startMessages();
  worker.postMessage({ action: "CHECK_FOR_UPDATES", nonce });
  return done;
}

function settled(worker) {
  if (worker) return next(worker, "statechange", () => worker.state !== "installing");
}

function next(target, type, matches) {
  return new Promise((done) => listen(target, type, (event) => matches(event) && done()));
}

// Whether a reload for this release was not tried in this tab before: what did not help will not help again soon.
export function mayReload(id) {
  try {
    return !(Date.now() - sessionStorage.getItem(KEY + id) < TRIED_MS);
  } catch {
    // Without storage, the load that a reload made is told by its type.
    return performance.getEntriesByType("navigation")[0].type !== "reload";
  }
}

export function noteReload(id) {
  guarded(() => sessionStorage.setItem(KEY + id, Date.now()))();
}

export function go(url) {
  const here = location.href.split("#")[0];
  // Always by a reload: it leaves its mark on the load (`mayReload`), and goes round more caches.
  if (url.split("#")[0] !== here) history.pushState(null, "", url);
  else if (url !== location.href) location.replace(url);
  location.reload();
}
