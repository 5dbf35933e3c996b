// The client: the script that tidings puts first into every page. It holds the event stream, decides whether
// what it hears is news for this page, tells the page ("tidings:update" on window), and draws the notice.
//
// Served is client.min.js beside this file, made of it by
//   esbuild src/inject/client.js --minify --target=es2019 --charset=ascii
//
// It is a guest on somebody else's site: every way in is guarded, so what fails in here stays in here; it leaves
// one symbol on window, prints nothing, and builds nothing before there is something to show.
(() => {
  "use strict";

  const RETRY_FLOOR_MS = 2000;
  const RETRY_CEILING_MS = 300000;
  // Over HTTP/1.1 a stream takes one of the six connections, so the page's own requests go first; but a page that
  // never finishes loading must not keep us waiting for ever.
  const LATEST_START_MS = 5000;
  // A live region is announced when it changes while assistive technology knows it, not when it arrives filled.
  const ANNOUNCE_DELAY_MS = 100;
  // While there is a notice: no event tells of a modal that opens or goes away, in every browser.
  const PLACE_INTERVAL_MS = 1000;

  const told = new Set();
  let page;
  let url;
  let stream;
  let retry;
  let failures = 0;
  let forbidden;
  let away;
  let notice;

  guarded(start)();

  function guarded(action) {
    return (argument) => {
      try {
        return action(argument);
      } catch {}
    };
  }

  function listen(target, type, action) {
    target.addEventListener(type, guarded(action));
  }

  function start() {
    const script = document.currentScript;
    const once = Symbol.for("tidings");
    if (window[once] || !script.dataset.release) return;
    window[once] = true;

    page = { id: script.dataset.release, built: Number(script.dataset.built) };
    // Not script.src: a <base> that comes after the script would change it.
    url = new URL("events", new URL(script.getAttribute("src"), location)).href;

    listen(document, "visibilitychange", connectWhileVisible);
    listen(document, "prerenderingchange", connectWhileVisible);
    listen(document, "securitypolicyviolation", stopIfForbidden);
    listen(window, "pageshow", arrive);
    listen(window, "pagehide", leave);
    listen(window, "online", reconnect);
    // A page still loading is followed from its first pageshow on.
    if (document.readyState === "complete") connectWhileVisible();
    else setTimeout(guarded(connectWhileVisible), LATEST_START_MS);
  }

  function connectWhileVisible() {
    if (document.visibilityState === "visible" && !document.prerendering && !away) connect();
    else disconnect();
  }

  function arrive() {
    away = false;
    connectWhileVisible();
  }

  // A stream kept open in the back/forward cache holds its connection: a few such pages and the site stands still.
  function leave() {
    away = true;
    connectWhileVisible();
  }

  function connect() {
    if (stream || forbidden) return;
    const source = new EventSource(url);
    stream = source;
    for (const type of ["open", "error", "release"]) listen(source, type, (event) => receive(source, event));
  }

  function disconnect() {
    clearTimeout(retry);
    if (stream) stream.close();
    stream = null;
  }

  // A connection may have died unnoticed with the network that it went over.
  function reconnect() {
    disconnect();
    connectWhileVisible();
  }

  function receive(source, event) {
    // WebKit revives a closed stream when the page comes back from its back/forward cache.
    if (source !== stream) return source.close();
    if (event.type === "release") {
      failures = 0;
      judge(JSON.parse(event.data));
    } else if (source.readyState === 2) {
      // The browser tries again by itself after a lost connection, but never after an answer like 204 or 503.
      connectLater();
    }
  }

  function connectLater() {
    disconnect();
    const ceiling = Math.min(RETRY_CEILING_MS, RETRY_FLOOR_MS * 2 ** ++failures);
    retry = setTimeout(guarded(connectWhileVisible), RETRY_FLOOR_MS + Math.random() * (ceiling - RETRY_FLOOR_MS));
  }

  // What the page's policy refuses it will refuse again, with a report to its owner each time.
  function stopIfForbidden(violation) {
    if (violation.blockedURI !== url || violation.disposition === "report") return;
    forbidden = true;
    disconnect();
  }

  function judge(release) {
    const standing = compare(page, release);
    if (standing === "same") withdraw();
    if (standing === "behind" && !told.has(release.id)) announce(release);
  }

  // Pure. "unsure": a server that never had our release, and whose own was not built later. In the middle of a
  // rolling deploy that is an old replica, so it is not news.
  function compare(page, release) {
    if (release.id === page.id) return "same";
    if (release.previous.includes(page.id) || release.built > page.built) return "behind";
    return "unsure";
  }

  function announce(release) {
    told.add(release.id);
    const later = () => {
      event.preventDefault();
      dismiss();
    };
    const event = new CustomEvent("tidings:update", {
      cancelable: true,
      detail: { ...release, current: page.id, refresh, later },
    });
    if (!window.dispatchEvent(event)) dismiss();
    else if (!notice && window === window.top) show();
  }

  // Rolled back to ours while the notice was up: should that release come again, it is news again.
  function withdraw() {
    if (notice) told.clear();
    dismiss();
  }

  function refresh() {
    location.reload();
  }

  function show() {
    const language = chooseLanguage();
    const [message, refreshLabel, laterLabel] = TEXTS[language];
    const text = element("p", "text");
    text.setAttribute("role", "status");
    text.dataset.text = message;
    const actions = element("div", "actions");
    actions.append(button("later", laterLabel, dismiss), button("refresh", refreshLabel, refresh));
    const card = element("section", "notice");
    card.setAttribute("aria-label", message);
    card.append(text, actions);
    text.lang = card.lang = language;
    card.dir = "ltr";

    const host = document.createElement("tidings-notice");
    host.setAttribute("popover", "manual");
    // The page's direction decides on the corner, the direction of the text on the order in the card.
    host.dir = getComputedStyle(document.body).direction;
    host.attachShadow({ mode: "open" }).append(card);
    dress(host);
    keepToItself(host);
    notice = { host, timer: setInterval(guarded(keepPlace), PLACE_INTERVAL_MS) };
    guarded(place)();
    const announced = () => {
      text.textContent = message;
      card.classList.add("in");
    };
    setTimeout(guarded(announced), ANNOUNCE_DELAY_MS);
  }

  function element(name, part) {
    const made = document.createElement(name);
    made.setAttribute("part", part);
    return made;
  }

  function button(part, label, action) {
    const made = element("button", part);
    made.type = "button";
    made.textContent = label;
    listen(made, "click", action);
    return made;
  }

  // A constructed sheet, because a strict policy refuses <style> and style attributes.
  function dress(host) {
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      host.shadowRoot.adoptedStyleSheets = [sheet];
    } catch {
      host.style.cssText = PLAIN_STYLE;
    }
  }

  // What happens in the notice is none of the page's business: its shortcuts, its focus traps, its menus that
  // close on a click elsewhere.
  function keepToItself(host) {
    for (const type of ["click", "pointerdown", "mousedown", "focusin", "keydown", "keyup"]) {
      listen(host, type, (event) => {
        event.stopPropagation();
        if (type === "focusin") notice.before = event.relatedTarget;
        if (event.key === "Escape") {
          event.preventDefault();
          dismiss();
        }
      });
    }
  }

  // In the top layer nothing covers it, except what enters the top layer later; and beside a modal dialog it would
  // be inert. So it lives in the open modal, if there is one.
  function place() {
    const { host } = notice;
    const home = guarded(openModal)() || document.documentElement;
    if (host.parentNode === home) return;
    home.append(host);
    host.showPopover();
  }

  function openModal() {
    return [...document.querySelectorAll("dialog:modal")].pop();
  }

  function keepPlace() {
    if (notice.host.parentNode) place();
    else dismiss();
  }

  function dismiss() {
    if (!notice) return;
    const { host, before, timer } = notice;
    const focused = host.shadowRoot.activeElement;
    notice = null;
    clearInterval(timer);
    host.remove();
    if (focused && before) before.focus({ preventScroll: true });
  }

  function chooseLanguage() {
    for (const tag of [document.documentElement.lang, ...navigator.languages]) {
      if (/^zh\b/i.test(tag)) return /^(?!.*hans).*(hant|tw|hk|mo)/i.test(tag) ? "zh-TW" : "zh-CN";
      if (/^en\b/i.test(tag)) return "en";
    }
    return "en";
  }

  const PLAIN_STYLE =
    "all:initial;position:fixed;z-index:2147483647;bottom:16px;right:16px;padding:0 16px 16px;" +
    "border:1px solid;background:#fff;color:#1b1d26;font:14px/1.4 sans-serif";

  // For a page to theme: the --tidings-* properties named here, and the parts notice, text, actions, refresh, later.
  // Its style sheets reach the host, so all that counts there is !important, which wins from in here. Sizes are in em
  // of the visitor's own font size, not in rem, which is the page's. The hidden copy of the text holds its place until
  // it is announced, so nothing shifts.
  const STYLE = `
:host{
--gap:max(var(--tidings-gap,1em),env(safe-area-inset-left),env(safe-area-inset-right),env(safe-area-inset-bottom))!important;
all:initial!important;
position:fixed!important;
z-index:2147483647!important;
inset:auto var(--gap) var(--gap)!important;
display:block!important;
width:fit-content!important;
margin-inline-start:auto!important}
:host::backdrop{display:none!important}
section{
--accent:var(--tidings-accent,#3355d1);
--on-accent:var(--tidings-on-accent,#fff);
--radius:var(--tidings-radius,14px);
display:flex;
flex-wrap:wrap;
align-items:center;
gap:.625em 1.25em;
max-width:36em;
padding:.625em;
padding-inline-start:1.125em;
border:1px solid var(--tidings-border,#1b1d261f);
border-radius:var(--radius);
background:var(--tidings-background,#fff);
color:var(--tidings-color,#1b1d26);
box-shadow:0 1px 2px #1018280f,0 4px 8px -2px #10182814,0 16px 32px -8px #1018282e;
font:400 .875em/1.4 var(--tidings-font,system-ui,sans-serif);
opacity:0}
section.in{opacity:1;transform:none}
p{display:flex;flex:1 1 auto;align-items:center;gap:.875em;margin:0;padding:.375em 0}
p:empty::after{content:attr(data-text);visibility:hidden}
p::before{content:"";flex:none;width:.5em;height:.5em;border-radius:50%;background:var(--accent);box-shadow:0 0 0 .25em color-mix(in srgb,var(--accent) 18%,transparent)}
div{display:flex;flex-wrap:wrap;justify-content:flex-end;gap:.5em;margin-inline-start:auto}
button{min-height:2.5em;margin:0;padding:0 .875em;border:1px solid transparent;border-radius:calc(var(--radius)*.65);background:none;color:inherit;color:color-mix(in srgb,currentColor 75%,transparent);font:inherit;font-weight:500;cursor:pointer}
button:hover{background:color-mix(in srgb,currentColor 10%,transparent)}
button:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
[part=refresh]{background:var(--accent);color:var(--on-accent)}
[part=refresh]:hover{background:var(--accent);filter:brightness(1.1)}
@media (max-width:30em){
:host{width:auto!important}
section{max-width:none}
p{flex-basis:9em}}
@media (pointer:coarse){button{min-width:44px;min-height:max(2.5em,44px)}}
@media (prefers-reduced-motion:no-preference){
section{transform:translateY(.75em);transition:opacity .2s,transform .35s cubic-bezier(.2,.9,.3,1)}
button{transition:background-color .12s}
}
@media (prefers-color-scheme:dark){section{
--accent:var(--tidings-accent,#9cb1ff);
--on-accent:var(--tidings-on-accent,#11152b);
border-color:var(--tidings-border,#ffffff1f);
background:var(--tidings-background,#20222c);
color:var(--tidings-color,#eceef5);
box-shadow:0 1px 2px #0006,0 16px 32px -8px #0009}}
@media (forced-colors:active){
button{border-color:ButtonText}
p::before,[part=refresh]{forced-color-adjust:none;background:Highlight;color:HighlightText;box-shadow:none}}
@media print{:host{display:none!important}}
`;

  const TEXTS = {
    en: ["A new version is available.", "Refresh", "Later"],
    "zh-CN": ["有新版本可用。", "刷新", "稍后"],
    "zh-TW": ["有新版本可用。", "重新整理", "稍後"],
  };
})();
