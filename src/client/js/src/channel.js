// How this tab hears of releases: one event stream a browser. In secure contexts the tab that holds a Web Lock has
// it, and passes on what it hears; elsewhere a shared worker has it; else each tab in sight has its own.

import { guarded, listen } from "./no-throw.js";
import { stream } from "./stream.js";

// How long a tab waits for the one that has the stream before it asks the server itself.
const ANSWER_MS = 4000;

// Calls `tell` with each release, and with each hello. `wanted` says whether to listen; `ask` asks the server.
export function hearing(base, workerUrl, tell, ask) {
  const name = "tidings:" + base;
  const last = [];
  let channel, mine, worker, lock, unlock, silence;

  guarded(open)();
  listen(window, "pageshow", open);
  // A message that reaches a page in Chromium's back/forward cache throws it out of there.
  listen(window, "pagehide", () => (channel = channel.close()));
  return { start, stop, nudge, post };

  function open() {
    channel = channel || new BroadcastChannel(name);
    channel.onmessage = guarded(({ data }) => receive(data));
  }

  function start() {
    if (lock || mine || (worker && worker.active)) return;
    silence = setTimeout(guarded(ask), ANSWER_MS);
    if (navigator.locks && channel) {
      queue();
    } else {
      share();
    }
  }

  function queue() {
    lock = new AbortController();
    const { signal } = lock;
    const held = () =>
      new Promise((done) => {
        // A request can be granted in the very moment in which it is given up.
        if (signal.aborted) return done();
        unlock = done;
        guarded(alone)();
      });
    // A sandboxed page has no right to it.
    const request = async () => navigator.locks.request(name, { signal }, held);
    request().catch(() => signal.aborted || guarded(alone)());
    post({ ask: 1 });
  }

  // Trusted Types refuse the worker, and so does a policy.
  function share() {
    if (worker === undefined) worker = guarded(connectWorker)() || null;
    if (!worker) return alone();
    worker.active = true;
    worker.port.postMessage(1);
  }

  function connectWorker() {
    const made = new SharedWorker(workerUrl, name);
    made.port.onmessage = guarded(({ data }) => hear(data));
    listen(made, "error", () => {
      worker = null;
      if (made.active) alone();
    });
    return made;
  }

  function alone() {
    mine = mine || stream(base, hear);
  }

  function hear(said) {
    clearTimeout(silence);
    last[said.id ? 1 : 0] = said;
    if (mine) post({ said });
    tell(said);
  }

  function receive({ said, ask, news }) {
    if (said) {
      clearTimeout(silence);
      tell(said);
    }
    if (ask && mine) for (const said of last) if (said) post({ said });
    if (ask > 1 && mine) mine.ask();
    if (news) tell({ news });
  }

  function post(message) {
    if (channel) guarded((message) => channel.postMessage(message))(message);
  }

  // Something happened that a person did: the moment to look, where nothing can be pushed.
  function nudge() {
    if (mine) mine.ask();
    else if (worker && worker.active) worker.port.postMessage(2);
    else if (lock) post({ ask: 2 });
  }

  // Nothing is held by a tab that is out of sight, which may be frozen: no lock, no connection.
  function stop() {
    clearTimeout(silence);
    if (lock) lock.abort();
    if (unlock) unlock();
    if (mine) mine.close();
    if (worker && worker.active) {
      worker.active = false;
      worker.port.postMessage(0);
    }
    lock = unlock = mine = null;
  }
}
