// Loaded when there is another release. Verifies that a reload would bring it and that it is relevant to this page, then
// does what the policy demands.

import { jittered, listen, noThrow } from "./no-throw.js";
import show from "./notice.js";
import { isRelevant } from "./relevance.js";
import { activateWorker, mayReload, preflight, recordReload, reloadAt, sleep, updateWorker } from "./reload.js";
import { tabState } from "./tab-state.js";
import { unsavedReasons } from "./unsaved.js";

const RETRY_FLOOR_MS = 2000;
const RETRY_CEILING_MS = 300000;
// Timers beyond 2^31 ms fire at once, and sleeping machines stop them.
const MAX_TIMER_MS = 3600000;
const MAX_SNOOZE_MS = 7 * 24 * 3600000;
// A visitor often comes back to a tab within this time.
const HIDDEN_MS = 15000;
const RECHECK_MS = 5000;
// After a refresh that brought the old page all the same (an old replica, a service worker), the release is not offered
// again at once, and after the next one even later.
const REFRESHED_MS = 120000;
const POSTPONE_MS = 300000;
const PREFLIGHT_ATTEMPTS = 4;
const MIN_COUNTDOWN = 5;

export default (core) => {
  const { page, base } = core;
  const tabId = Math.random();
  const state = tabState(base, core.post, onStateChange);
  // The verified release; the id of the one being verified; the notice; what is broken.
  let target, verifyingId, notice, broken, timer, verifiedAt, wasVisible, isReloading;
  // Whether the update event was dispatched, the page cancelled it, and the next navigation reloads.
  let isAnnounced, isCancelled, awaitsRoute;
  let activeAt = Date.now();
  // Whether this tab may show the notice although another tab has shown it.
  let isClaimed = 1;
  let shownHere = 0;
  let generation = 0;

  core.routes.add(() => awaitsRoute && !isReloading && reloadAutomatically(location.href));
  for (const type of ["pointerdown", "keydown", "wheel"]) {
    listen(window, type, () => (activeAt = Date.now()), { capture: true, passive: true });
  }
  listen(window, "focus", claimNotice);
  return { follow, setVisible, merge: state.merge, recover, refresh, later };

  // Verifies the latest release repeatedly, until a reload would bring it or another one is the latest.
  async function follow() {
    const { id, spread } = core.latest();
    if (verifyingId === id) return;
    verifyingId = id;
    const own = ++generation;
    if (id === page.id) return withdraw();
    if (!broken) await sleep(Math.random() * (spread || 0));
    for (let delay = RETRY_FLOOR_MS; generation === own; delay = Math.min(2 * delay, RETRY_CEILING_MS)) {
      const verified = await verify(id).catch(() => {});
      if (generation !== own) return;
      if (verified) return takeOver(verified);
      await sleep(jittered(delay));
      // A hidden tab makes no requests; it starts again when it is visible.
      if (document.hidden && !core.idlePolicy() && generation === own) verifyingId = generation++;
    }
  }

  function takeOver(release) {
    if (isAnnounced && target.id !== release.id) {
      // A notice that replaces another one needs no cooldown.
      if (notice) state.write({ shownId: release.id, tab: tabId });
      hide();
    }
    target = release;
    verifiedAt = verifiedAt || Date.now();
    apply();
  }

  async function verify(id) {
    const languages = String([document.documentElement.lang, ...navigator.languages]).replace(/[^\w,-]/g, "");
    const release = await core.fetch(`?since=${page.id}&lang=${languages}`);
    core.receive(release);
    updateWorker().catch(() => {});
    const fresh = await preflight(location.href);
    const rollback = release.built < page.built;
    const relevant = isRelevant(release.changes, fresh.path);
    return release.id === id && fresh.id === id && { ...release, rollback, relevant };
  }

  function withdraw() {
    hide();
    target = broken = verifiedAt = 0;
  }

  // The deploy's own policy, else that of the longest prefix of this path, else the one for all pages.
  function effectivePolicy() {
    if (!target || target.id !== core.latest().id) return;
    const { policy, policies } = target.settings;
    const [, own] = policies.find(([folder]) => (location.pathname + "/").startsWith(folder)) || [];
    return target.policy || own || policy;
  }

  function apply() {
    clearTimeout(timer);
    awaitsRoute = 0;
    const policy = effectivePolicy();
    // What the new release lacks as well was missing all along.
    const { changes } = target || {};
    if (broken && changes && broken.path && !changes.removed.includes(broken.path)) broken = 0;
    if (!policy || isReloading || isCancelled || !(target.relevant || broken || policy === "force")) return;
    const { frames, wait } = target.settings;
    const { taken, takenAt } = state.read();
    const waited = Date.now() - verifiedAt;
    const reloads = mayReload(target.id);
    if (policy === "silent" || (window !== top && !frames && !broken)) announce();
    else if (broken) applyBroken(policy);
    // The visitor has chosen it in another tab: no other tab need ask.
    else if (reloads && taken === target.id && takenAt > performance.timeOrigin) waitInBackground();
    else if (reloads && policy === "idle") announce() && waitInBackground();
    else if (policy === "force") document.hidden ? reloads && waitInBackground() : offer("modal");
    else if (policy === "navigate" && reloads && waited < wait) {
      awaitsRoute = announce();
      applyAfter(wait - waited);
    } else offer();
  }

  function applyAfter(delay) {
    clearTimeout(timer);
    timer = setTimeout(noThrow(apply), Math.min(delay, MAX_TIMER_MS));
  }

  // Dispatches the update event, once; false if the page cancelled it.
  function announce() {
    if (!isAnnounced) {
      isAnnounced = 1;
      isCancelled = !dispatch("update");
    }
    return !isCancelled;
  }

  function dispatch(type) {
    const detail = target && { ...target, broken: !!broken, current: page.id, refresh: () => refresh(), later };
    return dispatchEvent(new CustomEvent("tidings:" + type, { cancelable: true, detail }));
  }

  // Shows the notice, if it may be shown by now; `form` is for a forced refresh, which no snooze delays.
  function offer(form) {
    const { until, shown, shownId, tab, taken, takenAt, tries, forcedId, putOff, ends } = state.read();
    const { cooldown, countdown, position, form: usual, texts } = target.settings;
    const { rollback, id } = target;
    const isForced = form && forcedId === id;
    const now = Date.now();
    const due = Math.max(
      (form ? isForced && putOff : !broken && until) || 0,
      broken || form || rollback || shownId === id || !shown ? 0 : shown + cooldown,
      taken === id ? takenAt + REFRESHED_MS * 5 ** tries : 0,
    );
    // A time beyond the longest snooze was written by another clock.
    if (due > now && due < now + 2 * MAX_SNOOZE_MS) return applyAfter(due - now);
    if (document.hidden || (notice && notice.host.isConnected)) return;
    // One tab shows it: the one that was visible last.
    if (shownId === id && tab !== tabId && !isClaimed) return;
    isClaimed = 0;
    if (!announce()) return;
    shownHere = now;
    state.write({ shown: now, shownId: id, tab: tabId });
    if (usual === "none" && !form) return;
    const kind = broken ? "broken" : rollback ? "rollback" : "update";
    // One countdown for all tabs, with time to read it in each.
    const end = isForced && ends > now ? ends : now + countdown * 1000;
    if (form) state.write({ forcedId: id, putOff: isForced && putOff, ends: end });
    const seconds = form && Math.min(countdown, Math.max(MIN_COUNTDOWN, Math.ceil((end - now) / 1000)));
    const canPostpone = !(isForced && putOff);
    notice = show({
      kind,
      form: form || usual,
      position,
      texts,
      notes: target.notes,
      seconds,
      refresh: () => refresh(),
      later: canPostpone ? noThrow(later) : undefined,
      expire: noThrow(onCountdownEnd),
    });
  }

  // Reloads, as soon as nothing would be lost by it.
  function onCountdownEnd() {
    const own = notice;
    reloadAutomatically(location.href);
    setTimeout(
      noThrow(() => own && notice === own && onCountdownEnd()),
      RECHECK_MS,
    );
  }

  // Reloads once the tab is hidden, or the visitor has been idle for long enough.
  function waitInBackground() {
    const { idle } = target.settings;
    const left = activeAt + (document.hidden ? Math.min(idle, HIDDEN_MS) : idle) + target.delay - Date.now();
    if (left > 0) applyAfter(left);
    else if (!reloadAutomatically(location.href)) applyAfter(RECHECK_MS);
  }

  function applyBroken(policy) {
    const isDone = (policy !== "prompt" || broken.fatal) && reloadAutomatically(broken.url);
    if (!isDone && (window === top || target.settings.frames)) offer();
  }

  // A reload without a click: false if something would be lost by it, or if it did not help before.
  function reloadAutomatically(url) {
    const may = !isReloading && mayReload(target.id) && !unsavedReasons(core).length && dispatch("before-reload");
    if (may) noThrow(refresh)(url, 1);
    return may;
  }

  // Reloads to the release. Without a click only if the preflight brings it: a page that works is better than an error
  // in its place.
  async function refresh(url = broken ? broken.url : location.href, isAutomatic) {
    if (isReloading) return;
    isReloading = 1;
    const { id } = core.latest();
    let fresh;
    // Another replica may answer now than when the release was verified.
    for (let left = PREFLIGHT_ATTEMPTS; left--; ) {
      fresh = await Promise.race([preflight(url), sleep(RECHECK_MS)]).catch(() => 0);
      if (fresh && fresh.id === id) break;
      await sleep(jittered(left * 200));
    }
    // A page that can't be fetched, such as one that redirects to another site's login, may still be navigated to.
    const isThere = fresh ? !isAutomatic || fresh.id === id : !isAutomatic && (await core.fetch().catch(() => 0));
    if (!isThere) {
      isReloading = 0;
      return applyAfter(RETRY_CEILING_MS / 10);
    }
    if (isAutomatic) recordReload(id);
    const { taken, tries } = state.read();
    state.write({ taken: id, takenAt: Date.now(), tries: taken === id ? tries + 1 : 0, times: 0 });
    await activateWorker();
    reloadAt(url);
    // For the visitor who stays on the page in the browser's dialog.
    setTimeout(
      noThrow(() => {
        isReloading = 0;
        apply();
      }),
      RECHECK_MS,
    );
  }

  // Snoozes the notice, or postpones a forced refresh.
  function later() {
    if (!target) return;
    hide();
    if (effectivePolicy() === "force" && !broken) {
      state.write({ forcedId: target.id, putOff: Date.now() + POSTPONE_MS, ends: 0 });
    } else {
      const { times, of } = state.read();
      const count = of === page.id ? times : 0;
      const snooze = Math.min(target.settings.later * 2 ** count, MAX_SNOOZE_MS);
      state.write({ until: Date.now() + snooze, times: count + 1, of: page.id });
    }
    broken = 0;
    apply();
  }

  function hide() {
    if (!isAnnounced) return;
    isAnnounced = isCancelled = 0;
    if (notice) notice.close();
    notice = 0;
    dispatch("withdraw");
  }

  // In another tab the visitor has answered, or the notice is shown now.
  function onStateChange({ until, taken, putOff, tab, shown }) {
    const isAnswer = until || taken || putOff;
    // Of two tabs that show it at the same moment, one goes on.
    if (isAnswer || shown > shownHere || (shown === shownHere && tab > tabId)) hide();
    if (isAnswer) apply();
  }

  function claimNotice() {
    isClaimed = 1;
    apply();
  }

  function setVisible(isVisible) {
    if (isVisible !== wasVisible) activeAt = Date.now();
    wasVisible = isVisible;
    if (!wasVisible) return apply();
    follow();
    claimNotice();
  }

  // A part of the page is gone, without which it could not get to `destination`, or (`isFatal`) did not start.
  async function recover(url, destination, isFatal) {
    const address = url && new URL(url, location);
    const isOwn = address && address.origin === location.origin;
    if (isOwn) {
      const response = await fetch(address, { method: "HEAD", cache: "no-store" }).catch(() => 0);
      if (!response || (response.ok && !/html/.test(response.headers.get("content-type")))) return;
    }
    const path = isOwn && decodeURI(address.pathname);
    // A page that did not start stays so when a style sheet fails as well.
    broken = { url: destination, path, fatal: isFatal || (broken && broken.fatal) };
    if (target) return apply();
    // Without the delay that spreads reloads over time.
    verifyingId = 0;
    follow();
  }
};
