// There is a later release: what only then is needed. Makes sure that a reload would bring it and that it matters to
// this page, then does what the policy says.

import { guarded, jittered, listen } from "./guard.js";
import { matters } from "./matters.js";
import { sharedMemory } from "./memory.js";
import show from "./notice.js";
import { go, handOver, mayReload, noteReload, pause, preflight, updateWorker } from "./reload.js";
import { describe } from "./stream.js";
import { unsaved } from "./unsaved.js";

const RETRY_FLOOR_MS = 2000;
const RETRY_CEILING_MS = 300000;
// Timers beyond 2^31 ms run at once, and sleeping machines stop them.
const LONGEST_TIMER_MS = 3600000;
const LONGEST_QUIET_MS = 7 * 24 * 3600000;
// Tabs that are left for a moment are come back to.
const HIDDEN_MS = 15000;
const LOOK_AGAIN_MS = 5000;
// After a refresh that brought the old page all the same (an old replica, a service worker), it is not offered again at
// once, and after the next later still.
const REFRESHED_MS = 120000;
const PUT_OFF_MS = 300000;
const CLICK_TRIES = 4;

export default (core) => {
  const { page, base } = core;
  const me = Math.random();
  const memory = sharedMemory(base, core.post, follow);
  // The release that a reload would bring; the id of the one that is looked at; the notice; what is broken.
  let target, working, notice, broken, timer, since, seen, putOff, leaving;
  // Whether the page has been told, has said that it sees to it itself, and is to be reloaded at the next route.
  let offered, refused, turning;
  let active = Date.now();
  let claims = 1;
  let shownHere = 0;

  core.routes.add(() => turning && !leaving && automatic(location.href));
  for (const type of ["pointerdown", "keydown", "wheel", "touchmove"]) {
    listen(window, type, () => (active = Date.now()), { capture: true, passive: true });
  }
  listen(window, "focus", claim);
  return { update, attend, hear: memory.take, broken: mend, refresh, later };

  // Looks at the latest release until a reload would bring it, or another one is the latest.
  async function update() {
    const { id, spread } = core.latest();
    if (working === id) return;
    working = id;
    if (id === page.id) return withdraw();
    if (!broken) await pause(Math.random() * (spread || 0));
    for (let delay = RETRY_FLOOR_MS; working === id; delay = Math.min(2 * delay, RETRY_CEILING_MS)) {
      const proven = await prove(id).catch(() => {});
      if (working !== id) return;
      if (proven) {
        target = proven;
        since = Date.now();
        refused = putOff = 0;
        return act();
      }
      await pause(jittered(delay));
      // Out of sight nothing is asked; in sight again it begins anew.
      if (isHidden() && core.hello.policy !== "idle") working = 0;
    }
  }

  async function prove(id) {
    const languages = [document.documentElement.lang, ...navigator.languages];
    const [release] = await describe(base, 0, `?since=${page.id}&lang=${languages}`);
    core.learn(release);
    updateWorker().catch(() => {});
    const fresh = await preflight(location.href);
    const rollback = release.built < page.built;
    return release.id === id && fresh.id === id && { ...release, rollback, matters: matters(release.changes, fresh.path) };
  }

  function withdraw() {
    hide();
    target = broken = 0;
  }

  // The deploy's own policy, else that of the longest prefix of this path, else the one for all.
  function rule() {
    if (!target || target.id !== working) return;
    const { policy, policies } = target.settings;
    const [, own] = policies.find(([folder]) => (location.pathname + "/").startsWith(folder)) || [];
    return target.policy || own || policy;
  }

  function act() {
    clearTimeout(timer);
    turning = 0;
    const policy = rule();
    if (!policy || leaving || refused || !(target.matters || broken || policy === "force")) return;
    const { countdown, frames, wait } = target.settings;
    const { taken, takenAt } = memory.recall();
    const waited = Date.now() - since;
    const reloads = mayReload(target.id);
    if (policy === "silent" || (window !== top && !frames && !broken)) announce();
    else if (broken) rescue(policy);
    // The visitor has chosen it in another tab.
    else if (reloads && (policy === "idle" || (taken === target.id && takenAt > performance.timeOrigin))) lurk();
    else if (policy === "force") isHidden() ? lurk() : offer({ form: "modal", seconds: countdown });
    else if (policy === "navigate" && reloads && waited < wait) {
      turning = announce();
      again(wait - waited);
    } else offer({});
  }

  function again(delay) {
    clearTimeout(timer);
    timer = setTimeout(guarded(act), Math.min(delay, LONGEST_TIMER_MS));
  }

  function isHidden() {
    return document.visibilityState === "hidden";
  }

  // Tells the page that the moment has come; false if it says that it sees to it itself.
  function announce() {
    if (!offered) {
      offered = 1;
      refused = !dispatch("update");
    }
    return !refused;
  }

  function dispatch(type) {
    const detail = target && { ...target, broken: !!broken, current: page.id, refresh: () => refresh(), later };
    return window.dispatchEvent(new CustomEvent("tidings:" + type, { cancelable: true, detail }));
  }

  function offer({ form, seconds }) {
    const { until, shown, shownId, tab, taken, takenAt, tries } = memory.recall();
    const { cooldown, position, form: usual, texts: words } = target.settings;
    const { rollback, id } = target;
    const due = Math.max(
      (form ? putOff : !broken && until) || 0,
      broken || form || rollback || shownId === id || !shown ? 0 : shown + cooldown,
      taken === id ? takenAt + REFRESHED_MS * 5 ** tries : 0,
    );
    if (due > Date.now()) return again(due - Date.now());
    if (isHidden() || notice) return;
    // One tab shows it: the one that was looked at last.
    if (shownId === id && tab !== me && !claims) return;
    claims = 0;
    if (!announce()) return;
    shownHere = Date.now();
    memory.remember({ shown: shownHere, shownId: id, tab: me });
    if (usual === "none" && !form) return;
    const kind = broken ? "broken" : rollback ? "rollback" : "update";
    const canWait = !form || !putOff;
    notice = show({
      kind,
      form: form || usual,
      position,
      words,
      notes: target.notes,
      seconds,
      refresh: () => refresh(),
      later: canWait ? guarded(later) : undefined,
      expire: guarded(insist),
    });
  }

  // The countdown has run out. What the visitor has begun is waited for.
  function insist() {
    if (!automatic(location.href)) setTimeout(guarded(() => notice && insist()), LOOK_AGAIN_MS);
  }

  // Reloads when nobody is looking, or nothing was touched for long enough.
  function lurk() {
    if (!announce()) return;
    const { idle } = target.settings;
    const left = active + (isHidden() ? Math.min(idle, HIDDEN_MS) : idle) + target.delay - Date.now();
    if (left > 0) again(left);
    else if (!automatic(location.href)) again(LOOK_AGAIN_MS);
  }

  function rescue(policy) {
    if (!((policy !== "prompt" || broken.dead) && automatic(broken.url))) offer({});
  }

  // A reload that nobody clicked: false if something would be lost by it, or if it did not help before.
  function automatic(url) {
    const may = mayReload(target.id) && !unsaved(core).length && dispatch("before-reload");
    if (may) {
      noteReload(target.id);
      guarded(refresh)(url);
    }
    return may;
  }

  async function refresh(url = broken ? broken.url : location.href) {
    if (leaving) return;
    leaving = 1;
    const { id } = core.latest();
    const { taken, tries } = memory.recall();
    memory.remember({ taken: id, takenAt: Date.now(), tries: taken === id ? tries + 1 : 0, times: 0 });
    // Another replica may answer now than when it was offered.
    for (let tries = CLICK_TRIES; tries--; ) {
      const fresh = await preflight(url).catch(() => 0);
      if (fresh.id === id) break;
      await pause(jittered(tries * 200));
    }
    await handOver();
    go(url);
    // Whoever stays on the page by the browser's question has to be let act again.
    setTimeout(() => (leaving = 0), LOOK_AGAIN_MS);
  }

  function later() {
    if (!target) return;
    hide();
    if (rule() === "force") {
      putOff = Date.now() + PUT_OFF_MS;
    } else {
      const { times, of } = memory.recall();
      const said = of === page.id ? times : 0;
      const quiet = Math.min(target.settings.later * 2 ** said, LONGEST_QUIET_MS);
      memory.remember({ until: Date.now() + quiet, times: said + 1, of: page.id });
    }
    broken = 0;
    act();
  }

  function hide() {
    if (!offered) return;
    offered = refused = 0;
    if (notice) notice.close();
    notice = 0;
    dispatch("withdraw");
  }

  // What another tab did: answered, or shows the notice now.
  function follow({ until, taken, tab, shown }) {
    // Two that show it at the same moment hear of each other: one of them goes on.
    if (until || taken || shown > shownHere || (shown === shownHere && tab > me)) hide();
    if (taken) act();
  }

  function claim() {
    claims = 1;
    act();
  }

  function attend(inSight) {
    if (inSight !== seen) active = Date.now();
    seen = inSight;
    if (seen) claim();
    else act();
  }

  // A part of the page is gone, without which it could not get to `going`, or never came to life.
  async function mend(url, going, dead) {
    const address = url && new URL(url, location);
    if (address && address.origin === location.origin) {
      const answer = await fetch(address, { method: "HEAD", cache: "no-store" }).catch(() => 0);
      if (!answer || (answer.ok && !/html/.test(answer.headers.get("content-type")))) return;
    }
    // A style sheet that is gone as well does not bring a dead page to life.
    broken = { url: going, dead: dead || (broken && broken.dead) };
    if (target) act();
    else update();
  }
};
