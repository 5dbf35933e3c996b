// Detects in-page navigations: by the Navigation API where there is one, else by wrapping `history`.

import { listen, noThrow } from "./no-throw.js";

// Calls `onChange` whenever the route of the page has changed. Returns the set of listeners, to which others can be
// added.
export function watchRoutes(onChange) {
  const listeners = new Set([onChange]);
  let last = route();
  const compare = noThrow(() => {
    const current = route();
    if (current === last) return;
    last = current;
    for (const listener of listeners) noThrow(listener)();
  });
  if (window.navigation) {
    listen(navigation, "currententrychange", compare);
  } else {
    for (const name of ["pushState", "replaceState"]) {
      const native = history[name];
      history[name] = function (...args) {
        const result = native.apply(this, args);
        compare();
        return result;
      };
    }
    listen(window, "popstate", compare);
  }
  listen(window, "hashchange", compare);
  return listeners;
}

// Without the query, which changes with each key typed into a search, and without the fragment, which is a place on the
// page, except for routers that keep their routes in it.
function route() {
  const hash = location.hash;
  return location.pathname + (/^#[!/]/.test(hash) ? hash : "");
}
