// What every page loads: receives releases, decides which is the later one, detects broken parts, and records what the
// visitor has begun. What is needed only when there is another release is loaded then (`update.js`).

import { openChannel } from "./channel.js";
import { jittered, listen, noThrow } from "./no-throw.js";
import { replaces, trackCandidate } from "./ordering.js";
import { watchFailures } from "./recovery.js";
import { watchRoutes } from "./routes.js";
import { fetchRelease } from "./stream.js";

// Over HTTP/1.1 a stream takes one of the six connections, so the page's own requests go first; but a page that
// never finishes loading must not delay the client for ever.
const LATEST_START_MS = 5000;
// A connection can be lost without an error event.
const SLOW_POLL_MS = 600000;
// The time between two polls about a release that is not evidently later.
const CONFIRM_POLL_MS = 20000;
// A click that was longer ago did not cause what is failing now.
const CLICK_MS = 10000;

// Starts the client, once a document. `load` imports `update.js` from the URL of the client's scripts.
export const start = noThrow((load) => {
  const script = document.currentScript;
  const once = Symbol.for("tidings");
  const { release: id, built } = script.dataset;
  if (window[once] || !id) return;
  window[once] = 1;

  const page = { id, built: +built };
  // Not script.src: a <base> that comes after the script would change it.
  const [, base, version] = /(.*\/)[a-z]+-(.*)/.exec(new URL(script.getAttribute("src"), location));
  const channel = openChannel(base, base + "worker-" + version, onMessage, check);
  const candidate = trackCandidate();
  // When each URL was last reported broken.
  const reported = {};
  let latest = page;
  let failures = 0;
  let receivedAt = 0;
  // `update` is the promise of the update module, once it is loaded.
  let confirmTimer, isPageHidden, isBlocked, update, click;

  const core = {
    page,
    base,
    edited: new Map(),
    blocks: new Map(),
    routes: watchRoutes(channel.pollNow),
    hello: {},
    latest: () => latest,
    // Under this policy a hidden tab acts on a release as well.
    idlePolicy: () => core.hello.policy === "idle" || latest.policy === "idle",
    receive,
    fetch: (query) => fetchRelease(base, query),
    post: (state) => channel.post({ state }),
  };

  for (const type of ["visibilitychange", "prerenderingchange"]) listen(document, type, followVisibility);
  listen(window, "focus", channel.pollNow);
  listen(window, "pageshow", () => {
    isPageHidden = 0;
    followVisibility();
  });
  // A stream or a lock kept in the back/forward cache keeps other tabs waiting, or this one out of that cache.
  listen(window, "pagehide", () => {
    isPageHidden = 1;
    followVisibility();
  });
  // The connection may have been lost unnoticed with the network that it used.
  listen(window, "online", () => {
    channel.stop();
    followVisibility();
  });
  listen(document, "securitypolicyviolation", onPolicyViolation);
  for (const type of ["beforeinput", "input"]) listen(window, type, recordEdit, true);
  listen(window, "click", recordClick, true);
  const scan = watchFailures(markBroken);
  setInterval(noThrow(pollSlowly), jittered(SLOW_POLL_MS));
  noThrow(expose)();
  // A page that is still loading gets its first pageshow later.
  listen(window, "load", scan);
  if (document.readyState === "complete") {
    scan();
    followVisibility();
  }
  setTimeout(noThrow(followVisibility), LATEST_START_MS);

  function isVisible() {
    return !isBlocked && !isPageHidden && !document.prerendering && !document.hidden;
  }

  function followVisibility() {
    if (!isVisible()) channel.stop();
    // With Save-Data on, a poll when something happens replaces the stream.
    else if ((navigator.connection || {}).saveData) pollSlowly(1);
    else channel.start();
    if (update || (isVisible() && latest.id !== page.id)) withUpdate((update) => update.setVisible(isVisible()));
  }

  function pollSlowly(now) {
    const isDue = Date.now() - receivedAt > SLOW_POLL_MS / 4;
    if (isDue && !isBlocked && (isVisible() || (!now && core.idlePolicy()))) check();
  }

  // What the page's policy blocks it will block again, with a report to its owner each time.
  function onPolicyViolation({ blockedURI, disposition }) {
    if (blockedURI !== base + "events" || disposition === "report") return;
    isBlocked = 1;
    followVisibility();
  }

  function onMessage(message) {
    if (message.id) receive(message);
    else if (!message.state) core.hello = message;
    else if (update) withUpdate((update) => update.merge(message.state));
  }

  // Handles the release that some server names as the current one.
  function receive(release) {
    receivedAt = Date.now();
    clearTimeout(confirmTimer);
    if (release.id === latest.id || replaces(release, latest) || candidate.confirms(release, receivedAt)) {
      candidate.clear();
      latest = release;
      if ((update || latest.id !== page.id) && (isVisible() || core.idlePolicy())) {
        withUpdate((update) => update.follow());
      }
    } else {
      confirmTimer = setTimeout(
        noThrow(() => isVisible() && check()),
        jittered(CONFIRM_POLL_MS),
      );
    }
    return latest;
  }

  function withUpdate(action) {
    // Firefox never repeats an import that failed once, so each attempt has a URL of its own.
    update = update || load(base + "update-" + version + "?" + failures).then((module) => module.default(core));
    update
      .then(action, () => {
        update = 0;
        failures++;
      })
      .catch(() => {});
  }

  async function fetchLatest() {
    return receive(await fetchRelease(base));
  }

  function check() {
    return fetchLatest().catch(() => latest);
  }

  // Recovers only what fails while there is a later release: not what fails offline, or for reasons of its own.
  // `isFatal` means that the page did not start.
  async function markBroken(url, isFatal) {
    const now = Date.now();
    if (reported[url] > now - CLICK_MS) return;
    reported[url] = now;
    const destination = click && click.at > now - CLICK_MS ? click.url : location.href;
    try {
      if ((await fetchLatest()).id !== page.id) withUpdate((update) => update.recover(url, destination, isFatal));
    } catch {}
  }

  // Keeps the value that an element had before the first edit: React makes what is typed its default value.
  function recordEdit(event) {
    const [element] = event.composedPath();
    for (const old of core.edited.keys()) if (!old.isConnected) core.edited.delete(old);
    if (event.isTrusted && !core.edited.has(element)) core.edited.set(element, element.defaultValue);
  }

  function recordClick(event) {
    const link = event.composedPath().find((element) => element.href && element.tagName === "A");
    click = link && link.origin === location.origin && !link.target && { url: link.href, at: Date.now() };
  }

  function expose() {
    const method = (name) => () => withUpdate((update) => update[name]());
    window.tidings = window.tidings || {
      release: page,
      get latest() {
        return latest;
      },
      get state() {
        return latest.id === page.id ? "current" : latest.built < page.built ? "rollback" : "update";
      },
      check,
      refresh: method("refresh"),
      later: method("later"),
      block(reason) {
        const block = {};
        core.blocks.set(block, reason);
        return () => core.blocks.delete(block);
      },
      on(type, action) {
        const listener = (event) => action(event.detail, event);
        addEventListener("tidings:" + type, listener);
        return () => removeEventListener("tidings:" + type, listener);
      },
    };
  }
});
