// What every page load carries: hears of releases, decides which is the later one, notices broken parts, and knows
// what the visitor has begun. What only news needs comes when there is news (`update.js`).

import { hearing } from "./channel.js";
import { guarded, jittered, listen } from "./no-throw.js";
import { doubt, replaces } from "./ordering.js";
import { watchParts } from "./recovery.js";
import { watchRoutes } from "./routes.js";
import { describe } from "./stream.js";

// Over HTTP/1.1 a stream takes one of the six connections, so the page's own requests go first; but a page that
// never finishes loading must not keep us waiting for ever.
const LATEST_START_MS = 5000;
// A connection can die without anybody being told.
const SLOW_POLL_MS = 600000;
// The time between two questions about a release that is not evidently later.
const DOUBT_POLL_MS = 20000;
// A click that was longer ago did not cause what is failing now.
const CLICK_MS = 10000;

// Starts the client, once a document. `load` imports `update.js` from the address of the client's parts.
export const start = guarded((load) => {
  const script = document.currentScript;
  const once = Symbol.for("tidings");
  const { release: id, built } = script.dataset;
  if (window[once] || !id) return;
  window[once] = 1;

  const page = { id, built: +built };
  // Not script.src: a <base> that comes after the script would change it.
  const [, base, version] = /(.*\/)[a-z]+-(.*)/.exec(new URL(script.getAttribute("src"), location));
  const ways = hearing(base, base + "worker-" + version, tell, check);
  const doubts = doubt();
  const suspects = {};
  let latest = page;
  let failures = 0;
  let heard = 0;
  let doubting, away, forbidden, news, click;

  const core = {
    page,
    base,
    edited: new Map(),
    blocks: new Map(),
    routes: watchRoutes(ways.nudge),
    hello: {},
    latest: () => latest,
    // Whether tabs out of sight have something to do.
    lurks: () => core.hello.policy === "idle" || latest.policy === "idle",
    learn,
    describe: (query) => describe(base, query),
    post: (message) => ways.post({ news: message }),
  };

  for (const type of ["visibilitychange", "prerenderingchange"]) listen(document, type, attend);
  listen(window, "focus", ways.nudge);
  listen(window, "pageshow", () => {
    away = 0;
    attend();
  });
  // A stream or a lock kept in the back/forward cache keeps other tabs waiting, or this one out of that cache.
  listen(window, "pagehide", () => {
    away = 1;
    attend();
  });
  // The connection may have died unnoticed with the network that it went over.
  listen(window, "online", () => {
    ways.stop();
    attend();
  });
  listen(document, "securitypolicyviolation", stopIfForbidden);
  for (const type of ["beforeinput", "input"]) listen(window, type, edit, true);
  listen(window, "click", note, true);
  const scan = watchParts(suspect);
  setInterval(guarded(pollSlowly), jittered(SLOW_POLL_MS));
  guarded(expose)();
  // A page still loading is followed from its first pageshow on.
  listen(window, "load", scan);
  if (document.readyState === "complete") {
    scan();
    attend();
  }
  setTimeout(guarded(attend), LATEST_START_MS);

  function inSight() {
    return !forbidden && !away && !document.prerendering && !document.hidden;
  }

  function attend() {
    if (!inSight()) ways.stop();
    // Who saves data is told when something happens, not all the time.
    else if ((navigator.connection || {}).saveData) pollSlowly(1);
    else ways.start();
    if (news || (inSight() && latest.id !== page.id)) attendNews((news) => news.attend(inSight()));
  }

  function pollSlowly(now) {
    const due = Date.now() - heard > SLOW_POLL_MS / 4;
    if (due && !forbidden && (inSight() || (!now && core.lurks()))) check();
  }

  // What the page's policy refuses it will refuse again, with a report to its owner each time.
  function stopIfForbidden({ blockedURI, disposition }) {
    if (blockedURI !== base + "events" || disposition === "report") return;
    forbidden = 1;
    attend();
  }

  function tell(said) {
    if (said.id) learn(said);
    else if (!said.news) core.hello = said;
    else if (news) attendNews((news) => news.hear(said.news));
  }

  // Takes in what some server says is current.
  function learn(release) {
    heard = Date.now();
    clearTimeout(doubting);
    if (release.id === latest.id || replaces(release, latest) || doubts.settles(release, heard)) {
      doubts.clear();
      latest = release;
      if ((news || latest.id !== page.id) && (inSight() || core.lurks())) attendNews((news) => news.update());
    } else {
      doubting = setTimeout(
        guarded(() => inSight() && check()),
        jittered(DOUBT_POLL_MS),
      );
    }
    return latest;
  }

  function attendNews(action) {
    // Firefox does not ask again for what it once could not import.
    news = news || load(base + "update-" + version + "?" + failures).then((module) => module.default(core));
    news
      .then(action, () => {
        news = 0;
        failures++;
      })
      .catch(() => {});
  }

  // Asks the server what is current.
  async function look() {
    return learn(await describe(base));
  }

  function check() {
    return look().catch(() => latest);
  }

  // Only what fails while there is a later release is ours to mend: not what fails offline, or by itself.
  async function suspect(url, dead) {
    const now = Date.now();
    if (suspects[url] > now - CLICK_MS) return;
    suspects[url] = now;
    const going = click && click.at > now - CLICK_MS ? click.url : location.href;
    try {
      if ((await look()).id !== page.id) attendNews((news) => news.broken(url, going, dead));
    } catch {}
  }

  // Keeps what an element held before the visitor came to it: React makes its default what is typed.
  function edit(event) {
    const [element] = event.composedPath();
    for (const old of core.edited.keys()) if (!old.isConnected) core.edited.delete(old);
    if (event.isTrusted && !core.edited.has(element)) core.edited.set(element, element.defaultValue);
  }

  function note(event) {
    const link = event.composedPath().find((element) => element.href && element.tagName === "A");
    click = link && link.origin === location.origin && !link.target && { url: link.href, at: Date.now() };
  }

  function expose() {
    const act = (name) => () => attendNews((news) => news[name]());
    window.tidings = window.tidings || {
      release: page,
      get latest() {
        return latest;
      },
      get state() {
        return latest.id === page.id ? "current" : latest.built < page.built ? "rollback" : "update";
      },
      check,
      refresh: act("refresh"),
      later: act("later"),
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
