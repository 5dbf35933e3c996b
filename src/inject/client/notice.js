// The notice, loaded only when there is something to say. It is a guest on somebody else's page and under that
// page's policy: built of elements and text, dressed by a constructed sheet.

import STYLE from "./look.js";

// A live region is announced when it changes while assistive technology knows it, not when it arrives filled.
const ANNOUNCE_DELAY_MS = 100;
// The countdown is read out as it starts and with this many seconds left, not each second.
const LAST_CALL = 10;
// Where there are no constructed sheets.
const PLAIN_STYLE =
  "position:fixed;z-index:2147483647;bottom:1em;right:1em;padding:1em;border:1px solid;background:#fff;color:#000";

export default ({ kind, form, position, words, notes, seconds, refresh, later, expire }) => {
  const root = document.documentElement;
  const modal = form === "modal" && window.HTMLDialogElement;
  const bar = form === "bar";
  // The modal takes the focus at once; to the others it may come, and then tells from where.
  let before = modal && document.activeElement;
  let busy;

  const host = document.createElement("tidings-notice");
  const shadow = host.attachShadow({ mode: "open" });
  const card = element(shadow, modal ? "dialog" : "section", "notice");
  const body = element(card, "div", "body");
  if (modal) element(body, "h2", "title", words.title);
  const text = element(body, "span", "text");
  if (notes) tellNotes();
  const countdown = seconds && element(body, "p", "countdown");
  const actions = element(card, "div", "actions");
  if (later) button("later", (modal && words.no) || words.later, dismiss);
  const primary = button("refresh", words.refresh, refreshOnce);

  set(card, { class: "notice " + form, "aria-label": words.title, lang: words.lang, dir: "auto" });
  if (countdown) set(countdown, { role: "timer", id: "n" });
  dress();
  keepToItself();
  root.append(host);
  if (modal) {
    set(card, { role: "alertdialog", "aria-modal": true, "aria-describedby": "t n" });
    text.id = "t";
    if (!later) set(card, { closedby: "none" });
    card.oncancel = escape;
    announce();
    card.showModal();
    primary.focus();
  } else {
    set(text, { role: "status" });
    set(card, { popover: "manual" });
    takePosition();
    place();
    setTimeout(announce, ANNOUNCE_DELAY_MS);
  }
  // For the countdown, and because no event tells of a modal that opens or goes away, in every browser. It counts
  // ticks, not the clock: a page that slept must not refresh under its visitor's eyes.
  const timer = setInterval(tick, 1000);
  return { host, close };

  function button(part, label, action) {
    const made = element(actions, "button", part, label);
    made.type = "button";
    made.onclick = action;
    return made;
  }

  function tellNotes() {
    if (/^(https?:\/\/|\/(?!\/))\S*$/i.test(notes)) {
      body.append(" ");
      set(element(body, "a", "notes", words.notes), { href: notes, target: "_blank", rel: "noopener" });
    } else {
      // It may scroll, so the keyboard has to reach it.
      set(element(body, "p", "notes", notes), { role: "group", "aria-label": words.notes, tabindex: 0 });
    }
  }

  function announce() {
    text.textContent = words[kind] || words.text;
    card.classList.add("in");
    count(true);
  }

  function count(aloud) {
    if (!countdown) return;
    set(countdown, { "aria-live": aloud ? "polite" : "off" });
    countdown.textContent = words.countdown.replace("{n}", seconds);
  }

  function tick() {
    if (!host.parentNode) return close();
    if (!modal) place();
    if (seconds > 0) {
      count(--seconds === LAST_CALL);
      if (!seconds) expire();
    }
  }

  // In the top layer nothing covers it, except what enters the top layer later; and beside a modal dialog it would
  // be inert. So it lives in the open modal, if there is one.
  function place() {
    try {
      const home = [...document.querySelectorAll("dialog:modal")].pop() || root;
      if (host.parentNode !== home) home.append(host);
      if (!card.matches(":popover-open")) card.showPopover();
    } catch {}
  }

  // The page's direction decides on the corner, the direction of the text on the order in the card.
  function takePosition() {
    const [edge, corner] = (position || (bar ? "bottom" : "bottom-end")).split("-");
    const end = getComputedStyle(document.body).direction === "rtl" ? "left" : "right";
    for (const side of ["top", "right", "bottom", "left"]) {
      const touches = /top|bottom/.test(side) ? side === edge : bar || (corner && (side === end) === (corner === "end"));
      const room = `max(var(--gap),env(safe-area-inset-${side}))`;
      if (touches && bar) card.style["padding-" + side] = room;
      card.style["margin-" + side] = touches ? (bar ? 0 : room) : "auto";
    }
  }

  // A constructed sheet, because a strict policy refuses <style> and style attributes.
  function dress() {
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      shadow.adoptedStyleSheets = [sheet];
    } catch {
      card.style.cssText = PLAIN_STYLE;
    }
    const scheme = getComputedStyle(root).colorScheme;
    card.style.colorScheme = scheme === "normal" ? "light dark" : scheme;
  }

  // What happens in the notice is none of the page's business: its shortcuts, its focus traps, its menus that
  // close on a click elsewhere.
  function keepToItself() {
    for (const type of ["click", "pointerdown", "mousedown", "focusin", "keydown", "keyup"]) {
      host.addEventListener(type, (event) => {
        event.stopPropagation();
        if (type === "focusin") before = event.relatedTarget || before;
        if (event.key === "Escape") escape(event);
      });
    }
  }

  function escape(event) {
    event.preventDefault();
    if (later) dismiss();
  }

  function dismiss() {
    close();
    later();
  }

  async function refreshOnce() {
    if (busy) return;
    hold(true);
    try {
      await refresh();
    } catch {}
    hold(false);
  }

  // Not `disabled`, which would take the focus away.
  function hold(on) {
    busy = on;
    set(primary, { "aria-busy": on, "aria-disabled": on });
  }

  function close() {
    clearInterval(timer);
    const focused = shadow.activeElement;
    if (modal) card.close();
    host.remove();
    if (focused && before) before.focus({ preventScroll: true });
  }
};

function element(parent, name, part, content = "") {
  const made = document.createElement(name);
  set(made, { part });
  made.textContent = content;
  parent.append(made);
  return made;
}

function set(element, attributes) {
  for (const name in attributes) element.setAttribute(name, attributes[name]);
}
