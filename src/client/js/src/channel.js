// How this tab receives releases: one event stream a browser. In secure contexts the tab that holds a Web Lock opens it
// and broadcasts what it receives; elsewhere a shared worker opens it; else each visible tab opens its own.

import { listen, noThrow } from "./no-throw.js";
import { openStream } from "./stream.js";

// How long a tab waits for the tab that has the stream before it polls the server itself.
const ANSWER_MS = 4000;
// Requests: the last messages; and also a poll, if the stream does not get through.
const REPLAY = 1;
const POLL = 2;

// Calls `deliver` with each message of the stream: a release, or a hello. `poll` polls the server. `start` and `stop`
// open and close the channel; `pollNow` polls where the stream does not get through; `post` sends a message to the
// other tabs.
export function openChannel(base, workerUrl, deliver, poll) {
  const name = "tidings:" + base;
  const lastMessages = [];
  let broadcast, ownStream, worker, lock, releaseLock, silenceTimer;

  noThrow(open)();
  listen(window, "pageshow", open);
  // A message that reaches a page in Chromium's back/forward cache evicts it from there.
  listen(window, "pagehide", () => (broadcast = broadcast.close()));
  return { start, stop, pollNow, post };

  function open() {
    broadcast = broadcast || new BroadcastChannel(name);
    broadcast.onmessage = noThrow(({ data }) => onBroadcast(data));
  }

  function start() {
    if (lock || ownStream || (worker && worker.active)) return;
    silenceTimer = setTimeout(noThrow(poll), ANSWER_MS);
    if (navigator.locks && broadcast) {
      requestLock();
    } else {
      useWorker();
    }
  }

  function requestLock() {
    lock = new AbortController();
    const { signal } = lock;
    const whileHeld = () =>
      new Promise((resolve) => {
        // A request can be granted in the very moment in which it is aborted.
        if (signal.aborted) return resolve();
        releaseLock = resolve;
        noThrow(useOwnStream)();
      });
    // A sandboxed page has no right to it.
    const request = async () => navigator.locks.request(name, { signal }, whileHeld);
    request().catch(() => signal.aborted || noThrow(useOwnStream)());
    post({ request: REPLAY });
  }

  // Trusted Types block the worker, and so does a policy.
  function useWorker() {
    if (worker === undefined) worker = noThrow(connectWorker)() || null;
    if (!worker) return useOwnStream();
    worker.active = true;
    worker.port.postMessage(REPLAY);
  }

  function connectWorker() {
    const created = new SharedWorker(workerUrl, name);
    created.port.onmessage = noThrow(({ data }) => onMessage(data));
    listen(created, "error", () => {
      worker = null;
      if (created.active) useOwnStream();
    });
    return created;
  }

  function useOwnStream() {
    ownStream = ownStream || openStream(base, onMessage);
  }

  function onMessage(message) {
    clearTimeout(silenceTimer);
    lastMessages[message.id ? 1 : 0] = message;
    if (ownStream) post({ message });
    deliver(message);
  }

  function onBroadcast({ message, request, state }) {
    if (message) {
      clearTimeout(silenceTimer);
      deliver(message);
    }
    if (request && ownStream) {
      for (const message of lastMessages) if (message) post({ message });
      if (request === POLL) ownStream.pollNow();
    }
    if (state) deliver({ state });
  }

  function post(message) {
    if (broadcast) noThrow((message) => broadcast.postMessage(message))(message);
  }

  // For moments at which the visitor has done something.
  function pollNow() {
    if (ownStream) ownStream.pollNow();
    else if (worker && worker.active) worker.port.postMessage(POLL);
    else if (lock) post({ request: POLL });
  }

  // A hidden tab, which may be frozen, holds nothing: no lock, no connection.
  function stop() {
    clearTimeout(silenceTimer);
    if (lock) lock.abort();
    if (releaseLock) releaseLock();
    if (ownStream) ownStream.close();
    if (worker && worker.active) {
      worker.active = false;
      worker.port.postMessage(0);
    }
    lock = releaseLock = ownStream = null;
  }
}
