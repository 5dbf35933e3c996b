// One event stream, and polls in its place while it does not get through. Runs in a tab, or in a shared worker.

import { guarded, jittered, listen } from "./no-throw.js";

// A stream says hello at once. One that is silent for longer is held back by something on the way.
const HELLO_MS = 5000;
const RETRY_FLOOR_MS = 2000;
const RETRY_CEILING_MS = 300000;
const POLL_MS = 60000;

// Tells `tell` of each release that is heard of, and of `{ policy }` at each hello.
export function stream(base, tell) {
  let source, hello, retry, poll, failures;

  // Refused at once (a policy, in WebKit), it is polled all the same.
  guarded(open)();
  return { close, ask: askWhilePolling };

  function open() {
    clearTimeout(retry);
    failures = failures || 0;
    hello = setTimeout(guarded(fallBack), HELLO_MS);
    const opened = new EventSource(base + "events");
    source = opened;
    for (const type of ["hello", "release", "error"]) {
      listen(opened, type, (event) => receive(opened, event));
    }
  }

  function receive(from, event) {
    // WebKit revives a closed stream when the page comes back from its back/forward cache.
    if (from !== source) return from.close();
    if (event.type === "error") {
      // The browser tries again by itself after a lost connection, but never after an answer like 204 or 503.
      if (from.readyState === 2) openLater();
      return;
    }
    clearTimeout(hello);
    clearTimeout(poll);
    poll = failures = 0;
    tell(JSON.parse(event.data));
  }

  function openLater() {
    shut();
    const ceiling = Math.min(RETRY_CEILING_MS, RETRY_FLOOR_MS * 2 ** ++failures);
    retry = setTimeout(guarded(open), RETRY_FLOOR_MS + Math.random() * (ceiling - RETRY_FLOOR_MS));
    if (!poll) pollOn();
  }

  function fallBack() {
    failures += 4;
    openLater();
  }

  function pollOn() {
    poll = setTimeout(guarded(pollOn), jittered(POLL_MS));
    ask();
  }

  function askWhilePolling() {
    if (poll) ask();
  }

  function ask() {
    describe(base)
      .then(tell)
      .catch(() => {});
  }

  function shut() {
    clearTimeout(hello);
    if (source) source.close();
    source = null;
  }

  function close() {
    clearTimeout(retry);
    clearTimeout(poll);
    shut();
  }
}

// What is current. The browser asks with the entity tag of what it has, and is answered 304 while that is so.
export async function describe(base, query = "") {
  const answer = await fetch(base + "release.json" + query, { cache: "no-cache" });
  if (!answer.ok) throw answer.status;
  return answer.json();
}
