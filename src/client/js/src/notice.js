// The notice, loaded only when there is something to say. It is a guest on somebody else's page and under that
// page's policy: built of elements and text, dressed by a constructed sheet.

import { guarded } from "./no-throw.js";
import STYLE from "./styles.js";

// A live region is announced when it changes while assistive technology knows it, not when it arrives filled.
const ANNOUNCE_DELAY_MS = 100;
// The countdown is read out as it starts and with this many seconds left, not each second.
const LAST_CALL = 10;
// Where there are no constructed sheets.
const PLAIN_STYLE = "position:fixed;z-index:2147483647;bottom:1em;right:1em;padding:1em;background:#fff;color:#000";

export default ({ kind, form, position, words, notes, seconds, refresh, later, expire }) => {
  const root = document.documentElement;
  const modal = form === "modal";
  const [edge, corner] = position.split("-");
  // The modal takes the focus at once; to the others it may come, and then tells from where.
  let before = modal && document.activeElement;

  const host = document.createElement("tidings-notice");
  const shadow = host.attachShadow({ mode: "open" });
  const card = element(shadow, modal ? "dialog" : "section", "notice");
  // The page's direction decides on the corner, the direction of the text on the order in the card.
  const content = element(card, "div", "content", "", { dir: "auto" });
  const body = element(content, "div", "body");
  if (modal) element(body, "h2", "title", words.title);
  const text = element(body, "span", "text", "", modal ? {} : { role: "status" });
  if (notes) tellNotes();
  const countdown = seconds && element(body, "p", "countdown", "", { role: "timer" });
  const actions = element(content, "div", "actions");
  if (later) element(actions, "button", "later", (modal && words.no) || words.later).onclick = dismiss;
  const primary = element(actions, "button", "refresh", words.refresh);
  primary.onclick = refreshOnce;

  set(card, { class: [form, corner].join(" "), "aria-label": words.title, lang: words.lang });
  dress();
  keepToItself();
  root.append(host);
  // For the countdown, and because no event tells of a modal that opens or goes away, in every browser. It counts
  // ticks, not the clock: a page that slept must not refresh under its visitor's eyes.
  const timer = setInterval(guarded(tick), 1000);
  if (modal) {
    set(card, { role: "alertdialog", "aria-modal": true, "aria-describedby": "text countdown" });
    // What asks to close it, Escape or another, is later; without one, nothing does.
    card.oncancel = onEscape;
    if (!later) set(card, { closedby: "none" });
    announce();
    if (card.showModal) card.showModal();
    // Not a button: the visitor may be in the middle of a sentence, and the next key would press it.
    card.tabIndex = -1;
    card.focus();
  } else {
    set(card, { popover: "manual" });
    place();
    setTimeout(guarded(announce), ANNOUNCE_DELAY_MS);
  }
  return { host, close };

  function tellNotes() {
    if (/^(https?:\/\/|\/(?!\/))\S*$/i.test(notes)) {
      body.append(" ");
      element(body, "a", "notes", words.notes, { href: notes, target: "_blank", rel: "noopener" });
    } else {
      // It may scroll, so the keyboard has to reach it.
      element(body, "p", "notes", notes, { role: "group", "aria-label": words.notes, tabindex: 0 });
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
    } catch {
      // As a popover that can't be shown it would stay hidden.
      card.removeAttribute("popover");
    }
  }

  // A constructed sheet, because a strict policy refuses <style> and style attributes.
  function dress() {
    const { style } = card;
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE.replace(/EDGE/g, edge));
      shadow.adoptedStyleSheets = [sheet];
    } catch {
      style.cssText = PLAIN_STYLE;
    }
    style.direction = getComputedStyle(document.body).direction;
    const { colorScheme } = getComputedStyle(root);
    style.colorScheme = colorScheme === "normal" ? "light dark" : colorScheme;
  }

  // What happens in the notice is none of the page's business: its shortcuts, its focus traps, its menus that
  // close on a click elsewhere.
  function keepToItself() {
    for (const type of ["click", "pointerdown", "mousedown", "focusin", "keydown", "keyup"]) {
      host.addEventListener(type, (event) => {
        event.stopPropagation();
        before = event.relatedTarget || before;
        if (event.key === "Escape") onEscape(event);
        if (modal && type === "keydown" && event.key === "Tab") goRound(event);
      });
    }
  }

  // A dialog in a shadow root: past its last button, Firefox begins again at the last, never at the first.
  function goRound(event) {
    event.preventDefault();
    const stops = [...card.querySelectorAll("a,button,[tabindex]")];
    const at = stops.indexOf(shadow.activeElement);
    stops[(event.shiftKey ? Math.max(at, 0) + stops.length - 1 : at + 1) % stops.length].focus();
  }

  function onEscape(event) {
    event.preventDefault();
    if (later) dismiss();
  }

  function dismiss() {
    close();
    later();
  }

  async function refreshOnce() {
    hold(true);
    try {
      await refresh();
    } catch {}
    hold(false);
  }

  // Not `disabled`, which would take the focus away.
  function hold(busy) {
    primary.onclick = busy ? null : refreshOnce;
    set(primary, { "aria-busy": busy, "aria-disabled": busy });
  }

  function close() {
    clearInterval(timer);
    const focused = shadow.activeElement;
    if (card.close) card.close();
    host.remove();
    if (focused && before) before.focus({ preventScroll: true });
  }
};

function element(parent, name, part, text = "", attributes) {
  const made = document.createElement(name);
  set(made, { part, id: part, ...attributes });
  made.textContent = text;
  parent.append(made);
  return made;
}

function set(element, attributes) {
  for (const name in attributes) element.setAttribute(name, attributes[name]);
}
