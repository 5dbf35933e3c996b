// There is a later release: what only then is needed. Makes sure that a reload would bring it and that it matters to
// this page, then does what the policy says.

import { guarded, jittered, listen } from "./no-throw.js";
import show from "./notice.js";
import { matters } from "./relevance.js";
import { go, handOver, mayReload, noteReload, pause, preflight, updateWorker } from "./reload.js";
import { sharedMemory } from "./tab-state.js";
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
const SHORTEST_COUNTDOWN = 5;

export default (core) => {
  const { page, base } = core;
  const me = Math.random();
  const memory = sharedMemory(base, core.post, follow);
  // The release that a reload would bring; the id of the one that is looked at; the notice; what is broken.
  let target, working, notice, broken, timer, since, seen, leaving;
  // Whether the page has been told, has said that it sees to it itself, and is to be reloaded at the next route.
  let offered, refused, turning;
  let active = Date.now();
  let claims = 1;
  let shownHere = 0;
  let round = 0;

  core.routes.add(() => turning && !leaving && automatic(location.href));
  for (const type of ["pointerdown", "keydown", "wheel"]) {
    listen(window, type, () => (active = Date.now()), { capture: true, passive: true });
  }
  listen(window, "focus", claim);
  return { update, attend, hear: memory.take, broken: mend, refresh, later };

  // Looks at the latest release until a reload would bring it, or another one is the latest.
  async function update() {
    const { id, spread } = core.latest();
    if (working === id) return;
    working = id;
    const mine = ++round;
    if (id === page.id) return withdraw();
    if (!broken) await pause(Math.random() * (spread || 0));
    for (let delay = RETRY_FLOOR_MS; round === mine; delay = Math.min(2 * delay, RETRY_CEILING_MS)) {
      const proven = await prove(id).catch(() => {});
      if (round !== mine) return;
      if (proven) return adopt(proven);
      await pause(jittered(delay));
      // Out of sight nothing is asked; in sight again it begins anew.
      if (document.hidden && !core.lurks() && round === mine) working = round++;
    }
  }

  function adopt(release) {
    if (offered && target.id !== release.id) {
      // What was on the screen needs no cooldown to be there again.
      if (notice) memory.remember({ shownId: release.id, tab: me });
      hide();
    }
    target = release;
    since = since || Date.now();
    act();
  }

  async function prove(id) {
    const languages = String([document.documentElement.lang, ...navigator.languages]).replace(/[^\w,-]/g, "");
    const release = await core.describe(`?since=${page.id}&lang=${languages}`);
    core.learn(release);
    updateWorker().catch(() => {});
    const fresh = await preflight(location.href);
    const rollback = release.built < page.built;
    return (
      release.id === id && fresh.id === id && { ...release, rollback, matters: matters(release.changes, fresh.path) }
    );
  }

  function withdraw() {
    hide();
    target = broken = since = 0;
  }

  // The deploy's own policy, else that of the longest prefix of this path, else the one for all.
  function rule() {
    if (!target || target.id !== core.latest().id) return;
    const { policy, policies } = target.settings;
    const [, own] = policies.find(([folder]) => (location.pathname + "/").startsWith(folder)) || [];
    return target.policy || own || policy;
  }

  function act() {
    clearTimeout(timer);
    turning = 0;
    const policy = rule();
    // What the new release lacks as well was missing all along.
    const { changes } = target || {};
    if (broken && changes && broken.part && !changes.removed.includes(broken.part)) broken = 0;
    if (!policy || leaving || refused || !(target.matters || broken || policy === "force")) return;
    const { frames, wait } = target.settings;
    const { taken, takenAt } = memory.recall();
    const waited = Date.now() - since;
    const reloads = mayReload(target.id);
    if (policy === "silent" || (window !== top && !frames && !broken)) announce();
    else if (broken) rescue(policy);
    // The visitor has chosen it in another tab: nobody need be told again.
    else if (reloads && taken === target.id && takenAt > performance.timeOrigin) lurk();
    else if (reloads && policy === "idle") announce() && lurk();
    else if (policy === "force") document.hidden ? reloads && lurk() : offer("modal");
    else if (policy === "navigate" && reloads && waited < wait) {
      turning = announce();
      again(wait - waited);
    } else offer();
  }

  function again(delay) {
    clearTimeout(timer);
    timer = setTimeout(guarded(act), Math.min(delay, LONGEST_TIMER_MS));
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
    return dispatchEvent(new CustomEvent("tidings:" + type, { cancelable: true, detail }));
  }

  // Shows the notice, if it may be shown by now; `form` is for a forced refresh, which does not ask for quiet.
  function offer(form) {
    const { until, shown, shownId, tab, taken, takenAt, tries, forcedId, putOff, ends } = memory.recall();
    const { cooldown, countdown, position, form: usual, texts: words } = target.settings;
    const { rollback, id } = target;
    const isForced = form && forcedId === id;
    const now = Date.now();
    const due = Math.max(
      (form ? isForced && putOff : !broken && until) || 0,
      broken || form || rollback || shownId === id || !shown ? 0 : shown + cooldown,
      taken === id ? takenAt + REFRESHED_MS * 5 ** tries : 0,
    );
    // A time that is further away than any quiet was written by another clock.
    if (due > now && due < now + 2 * LONGEST_QUIET_MS) return again(due - now);
    if (document.hidden || (notice && notice.host.isConnected)) return;
    // One tab shows it: the one that was looked at last.
    if (shownId === id && tab !== me && !claims) return;
    claims = 0;
    if (!announce()) return;
    shownHere = now;
    memory.remember({ shown: now, shownId: id, tab: me });
    if (usual === "none" && !form) return;
    const kind = broken ? "broken" : rollback ? "rollback" : "update";
    // One countdown for all tabs, with time to read it in each.
    const end = isForced && ends > now ? ends : now + countdown * 1000;
    if (form) memory.remember({ forcedId: id, putOff: isForced && putOff, ends: end });
    const seconds = form && Math.min(countdown, Math.max(SHORTEST_COUNTDOWN, Math.ceil((end - now) / 1000)));
    const canWait = !(isForced && putOff);
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
    const mine = notice;
    automatic(location.href);
    setTimeout(
      guarded(() => mine && notice === mine && insist()),
      LOOK_AGAIN_MS,
    );
  }

  // Reloads when nobody is looking, or nothing was touched for long enough.
  function lurk() {
    const { idle } = target.settings;
    const left = active + (document.hidden ? Math.min(idle, HIDDEN_MS) : idle) + target.delay - Date.now();
    if (left > 0) again(left);
    else if (!automatic(location.href)) again(LOOK_AGAIN_MS);
  }

  function rescue(policy) {
    const isDone = (policy !== "prompt" || broken.dead) && automatic(broken.url);
    if (!isDone && (window === top || target.settings.frames)) offer();
  }

  // A reload that nobody clicked: false if something would be lost by it, or if it did not help before.
  function automatic(url) {
    const may = !leaving && mayReload(target.id) && !unsaved(core).length && dispatch("before-reload");
    if (may) guarded(refresh)(url, 1);
    return may;
  }

  // Takes the release. Unasked, only if it is there: a page that works is worth more than an error in its place.
  async function refresh(url = broken ? broken.url : location.href, unasked) {
    if (leaving) return;
    leaving = 1;
    const { id } = core.latest();
    let fresh;
    // Another replica may answer now than when it was offered.
    for (let left = CLICK_TRIES; left--; ) {
      fresh = await Promise.race([preflight(url), pause(LOOK_AGAIN_MS)]).catch(() => 0);
      if (fresh && fresh.id === id) break;
      await pause(jittered(left * 200));
    }
    // A page that can't be fetched, as one that leads to another site to log in, may still be gone to.
    const isThere = fresh ? !unasked || fresh.id === id : !unasked && (await core.describe().catch(() => 0));
    if (!isThere) {
      leaving = 0;
      return again(RETRY_CEILING_MS / 10);
    }
    if (unasked) noteReload(id);
    const { taken, tries } = memory.recall();
    memory.remember({ taken: id, takenAt: Date.now(), tries: taken === id ? tries + 1 : 0, times: 0 });
    await handOver();
    go(url);
    // Whoever stays on the page by the browser's question has to be let act again.
    setTimeout(
      guarded(() => {
        leaving = 0;
        act();
      }),
      LOOK_AGAIN_MS,
    );
  }

  function later() {
    if (!target) return;
    hide();
    if (rule() === "force" && !broken) {
      memory.remember({ forcedId: target.id, putOff: Date.now() + PUT_OFF_MS, ends: 0 });
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
  function follow({ until, taken, putOff, tab, shown }) {
    const isAnswer = until || taken || putOff;
    // Two that show it at the same moment hear of each other: one of them goes on.
    if (isAnswer || shown > shownHere || (shown === shownHere && tab > me)) hide();
    if (isAnswer) act();
  }

  function claim() {
    claims = 1;
    act();
  }

  function attend(inSight) {
    if (inSight !== seen) active = Date.now();
    seen = inSight;
    if (!seen) return act();
    update();
    claim();
  }

  // A part of the page is gone, without which it could not get to `going`, or never came to life.
  async function mend(url, going, dead) {
    const address = url && new URL(url, location);
    const isOwn = address && address.origin === location.origin;
    if (isOwn) {
      const answer = await fetch(address, { method: "HEAD", cache: "no-store" }).catch(() => 0);
      if (!answer || (answer.ok && !/html/.test(answer.headers.get("content-type")))) return;
    }
    // A style sheet that is gone as well does not bring a dead page to life.
    const part = isOwn && decodeURI(address.pathname);
    broken = { url: going, part, dead: dead || (broken && broken.dead) };
    if (target) return act();
    // Without the pause that spreads news out.
    working = 0;
    update();
  }
};
