// Loads the new release into this tab, past caches and service workers, and never in a loop.

import { listen, noThrow } from "./no-throw.js";

// After this the page is reloaded with the service worker that it has.
const WORKER_TIMEOUT_MS = 6000;
const KEY = "tidings:";
// A reload that brought the old release again is not repeated before.
const RETRY_AFTER_MS = 3600000;

export const sleep = (delay) => new Promise((resolve) => setTimeout(resolve, delay));

// The release that a load of `url` would bring, and the path of the file behind it. The fetch also replaces what is in
// the browser's cache.
export async function preflight(url) {
  const address = new URL(url);
  // A service worker answers from its cache for this address, and forwards an address that it does not have.
  const worker = noThrow(() => navigator.serviceWorker.controller)();
  if (worker) address.searchParams.set("tidings", Date.now());
  const headers = { accept: "text/html", "tidings-preflight": "1" };
  const response = await fetch(address, { cache: "reload", headers });
  if (response.status >= 500) throw response.status;
  const [, id] = /\/(?:client|bundle)-\w+\.js\b[^>]* data-release="?([^"\s>]+)/.exec(await response.text()) || [];
  return { id, path: response.headers.get("content-location") };
}

// Makes the service worker check for a new version of itself, and waits until that is installed.
export async function updateWorker() {
  const container = navigator.serviceWorker;
  const worker = container && container.controller;
  if (!worker) return;
  const registration = await container.getRegistration();
  const checked = checkAngularWorker(container, worker);
  await registration.update();
  await checked;
  await installed(registration.installing);
  return registration;
}

// Activates the new service worker, if one is waiting.
export function activateWorker() {
  const activated = updateWorker().then((registration) => {
    if (!registration || !registration.waiting) return;
    const changed = eventOnce(navigator.serviceWorker, "controllerchange", () => true);
    // The message that Workbox, and tools built on it, listen for.
    registration.waiting.postMessage({ type: "SKIP_WAITING" });
    return changed;
  });
  return Promise.race([sleep(WORKER_TIMEOUT_MS), activated]).catch(() => {});
}

function checkAngularWorker(container, worker) {
  if (!/ngsw/.test(worker.scriptURL)) return;
  const nonce = Math.floor(Math.random() * 1e9);
  const done = eventOnce(container, "message", ({ data }) => data && data.nonce === nonce);
  container.startMessages();
  worker.postMessage({ action: "CHECK_FOR_UPDATES", nonce });
  return done;
}

function installed(worker) {
  if (worker) return eventOnce(worker, "statechange", () => worker.state !== "installing");
}

function eventOnce(target, type, matches) {
  return new Promise((resolve) => listen(target, type, (event) => matches(event) && resolve()));
}

// False if this tab was reloaded for this release not long ago: a reload that did not help will not help again soon.
export function mayReload(id) {
  try {
    return !(Date.now() - sessionStorage.getItem(KEY + id) < RETRY_AFTER_MS);
  } catch {
    // Without storage, the navigation type tells whether this load was a reload.
    return performance.getEntriesByType("navigation")[0].type !== "reload";
  }
}

export function recordReload(id) {
  noThrow(() => sessionStorage.setItem(KEY + id, Date.now()))();
}

export function reloadAt(url) {
  const current = location.href.split("#")[0];
  // Always by a reload: `mayReload` can recognise it, and it bypasses more caches.
  if (url.split("#")[0] !== current) history.pushState(null, "", url);
  else if (url !== location.href) location.replace(url);
  location.reload();
}
