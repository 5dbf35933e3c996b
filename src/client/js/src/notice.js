// The notice. It stands in pages of others, under their Content-Security-Policy: so it is made of elements and text,
// and styled by a constructed style sheet.

import { noThrow } from "./no-throw.js";
import STYLE from "./styles.js";

// Assistive technology announces a live region when its content changes, not when it is inserted with content.
const ANNOUNCE_DELAY_MS = 100;
// The countdown is read out as it starts and with this many seconds left, not each second.
const LAST_ANNOUNCEMENT = 10;
// Where constructed style sheets are not supported.
const FALLBACK_STYLE = "position:fixed;z-index:2147483647;bottom:1em;right:1em;padding:1em;background:#fff;color:#000";

export default ({ kind, form, position, texts, notes, seconds, refresh, later, expire }) => {
  const root = document.documentElement;
  const modal = form === "modal";
  const [edge, corner] = position.split("-");
  // Where the focus returns to. A modal takes the focus at once; of the others, the focus event has the element.
  let returnFocus = modal && document.activeElement;

  const host = document.createElement("tidings-notice");
  const shadow = host.attachShadow({ mode: "open" });
  const card = append(shadow, modal ? "dialog" : "section", "notice");
  // The page's direction decides the corner, the direction of the text the order in the card.
  const content = append(card, "div", "content", "", { dir: "auto" });
  const body = append(content, "div", "body");
  if (modal) append(body, "h2", "title", texts.title);
  const text = append(body, "span", "text", "", modal ? {} : { role: "status" });
  if (notes) addNotes();
  const countdown = seconds && append(body, "p", "countdown", "", { role: "timer" });
  const actions = append(content, "div", "actions");
  if (later) append(actions, "button", "later", (modal && texts.no) || texts.later).onclick = dismiss;
  const primary = append(actions, "button", "refresh", texts.refresh);
  primary.onclick = refreshOnce;

  setAttributes(card, { class: [form, corner].join(" "), "aria-label": texts.title, lang: texts.lang });
  applyStyles();
  containEvents();
  root.append(host);
  // For the countdown, and because no event reports in every browser that a modal of the page opens or closes. It counts
  // ticks, not clock time: a page that was suspended must not reload as soon as its visitor is back.
  const timer = setInterval(noThrow(tick), 1000);
  if (modal) {
    setAttributes(card, { role: "alertdialog", "aria-modal": true, "aria-describedby": "text countdown" });
    // Each close request, such as Escape, means Later; without a Later button, none has an effect.
    card.oncancel = onEscape;
    if (!later) setAttributes(card, { closedby: "none" });
    announce();
    if (card.showModal) card.showModal();
    // Not a button: the visitor may be typing, and the next key would press it.
    card.tabIndex = -1;
    card.focus();
  } else {
    setAttributes(card, { popover: "manual" });
    moveToTopLayer();
    setTimeout(noThrow(announce), ANNOUNCE_DELAY_MS);
  }
  return { host, close };

  function addNotes() {
    if (/^(https?:\/\/|\/(?!\/))\S*$/i.test(notes)) {
      body.append(" ");
      append(body, "a", "notes", texts.notes, { href: notes, target: "_blank", rel: "noopener" });
    } else {
      // It may scroll, so it has to be focusable.
      append(body, "p", "notes", notes, { role: "group", "aria-label": texts.notes, tabindex: 0 });
    }
  }

  function announce() {
    text.textContent = texts[kind] || texts.text;
    card.classList.add("in");
    showCountdown(true);
  }

  function showCountdown(isAnnounced) {
    if (!countdown) return;
    setAttributes(countdown, { "aria-live": isAnnounced ? "polite" : "off" });
    countdown.textContent = texts.countdown.replace("{n}", seconds);
  }

  function tick() {
    if (!host.parentNode) return close();
    if (!modal) moveToTopLayer();
    if (seconds > 0) {
      showCountdown(--seconds === LAST_ANNOUNCEMENT);
      if (!seconds) expire();
    }
  }

  // In the top layer nothing covers it, except what enters the top layer later; and beside a modal dialog it would
  // be inert. So it is a child of the open modal, if there is one.
  function moveToTopLayer() {
    try {
      const parent = [...document.querySelectorAll("dialog:modal")].pop() || root;
      if (host.parentNode !== parent) parent.append(host);
      if (!card.matches(":popover-open")) card.showPopover();
    } catch {
      // A popover that can't be shown would stay hidden.
      card.removeAttribute("popover");
    }
  }

  // A constructed style sheet, because a strict policy blocks <style> and style attributes.
  function applyStyles() {
    const { style } = card;
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE.replace(/EDGE/g, edge));
      shadow.adoptedStyleSheets = [sheet];
    } catch {
      style.cssText = FALLBACK_STYLE;
    }
    style.direction = getComputedStyle(document.body).direction;
    const { colorScheme } = getComputedStyle(root);
    style.colorScheme = colorScheme === "normal" ? "light dark" : colorScheme;
  }

  // Events in the notice must not reach the page's listeners: shortcuts, focus traps, menus that close on a click
  // elsewhere.
  function containEvents() {
    for (const type of ["click", "pointerdown", "mousedown", "focusin", "keydown", "keyup"]) {
      host.addEventListener(type, (event) => {
        event.stopPropagation();
        returnFocus = event.relatedTarget || returnFocus;
        if (event.key === "Escape") onEscape(event);
        if (modal && type === "keydown" && event.key === "Tab") cycleFocus(event);
      });
    }
  }

  // Firefox, in a dialog in a shadow root, goes from the last button to the last one again, never to the first.
  function cycleFocus(event) {
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
    setBusy(true);
    try {
      await refresh();
    } catch {}
    setBusy(false);
  }

  // Not `disabled`, which would remove the focus.
  function setBusy(busy) {
    primary.onclick = busy ? null : refreshOnce;
    setAttributes(primary, { "aria-busy": busy, "aria-disabled": busy });
  }

  function close() {
    clearInterval(timer);
    const focused = shadow.activeElement;
    if (card.close) card.close();
    host.remove();
    if (focused && returnFocus) returnFocus.focus({ preventScroll: true });
  }
};

function append(parent, name, part, text = "", attributes) {
  const created = document.createElement(name);
  setAttributes(created, { part, id: part, ...attributes });
  created.textContent = text;
  parent.append(created);
  return created;
}

function setAttributes(element, attributes) {
  for (const name in attributes) element.setAttribute(name, attributes[name]);
}
