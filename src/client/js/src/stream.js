// One event stream, replaced by polling while it does not get through. Runs in a tab, or in a shared worker.

import { jittered, listen, noThrow } from "./no-throw.js";

// The server sends `hello` at once. A stream without it for longer is held back by something on the way.
const HELLO_MS = 5000;
const RETRY_FLOOR_MS = 2000;
const RETRY_CEILING_MS = 300000;
const POLL_MS = 60000;

// Calls `deliver` with each release that the server sends or a poll fetches, and with `{ policy }` at each hello.
export function openStream(base, deliver) {
  let source, helloTimer, retryTimer, pollTimer, failures;

  // Where it is blocked at once (by a policy, in WebKit), polling goes on all the same.
  noThrow(open)();
  return { close, pollNow };

  function open() {
    clearTimeout(retryTimer);
    failures = failures || 0;
    helloTimer = setTimeout(noThrow(onSilence), HELLO_MS);
    const opened = new EventSource(base + "events");
    source = opened;
    for (const type of ["hello", "release", "error"]) {
      listen(opened, type, (event) => onEvent(opened, event));
    }
  }

  function onEvent(sender, event) {
    // WebKit revives a closed stream when the page comes back from its back/forward cache.
    if (sender !== source) return sender.close();
    if (event.type === "error") {
      // The browser reconnects by itself after a lost connection, but never after a response like 204 or 503.
      if (sender.readyState === 2) reopenLater();
      return;
    }
    clearTimeout(helloTimer);
    clearTimeout(pollTimer);
    pollTimer = failures = 0;
    deliver(JSON.parse(event.data));
  }

  function reopenLater() {
    closeSource();
    const ceiling = Math.min(RETRY_CEILING_MS, RETRY_FLOOR_MS * 2 ** ++failures);
    retryTimer = setTimeout(noThrow(open), RETRY_FLOOR_MS + Math.random() * (ceiling - RETRY_FLOOR_MS));
    if (!pollTimer) poll();
  }

  function onSilence() {
    failures += 4;
    reopenLater();
  }

  function poll() {
    pollTimer = setTimeout(noThrow(poll), jittered(POLL_MS));
    fetchNow();
  }

  // Does nothing while the stream works.
  function pollNow() {
    if (pollTimer) fetchNow();
  }

  function fetchNow() {
    fetchRelease(base)
      .then(deliver)
      .catch(() => {});
  }

  function closeSource() {
    clearTimeout(helloTimer);
    if (source) source.close();
    source = null;
  }

  function close() {
    clearTimeout(retryTimer);
    clearTimeout(pollTimer);
    closeSource();
  }
}

// The current release. The browser revalidates what it has with its entity tag: the response is 304 if it is current.
export async function fetchRelease(base, query = "") {
  const response = await fetch(base + "release.json" + query, { cache: "no-cache" });
  if (!response.ok) throw response.status;
  return response.json();
}
