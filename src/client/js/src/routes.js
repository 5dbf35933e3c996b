// Tells of in-page navigations: through the Navigation API where there is one, else by way of `history`.

import { guarded, listen } from "./no-throw.js";

// Calls `changed` whenever the page has come to another route, and after it each function that is added.
export function watchRoutes(changed) {
  const all = new Set([changed]);
  let last = route();
  const look = guarded(() => {
    const now = route();
    if (now === last) return;
    last = now;
    for (const each of all) guarded(each)();
  });
  if (window.navigation) {
    listen(navigation, "currententrychange", look);
  } else {
    for (const name of ["pushState", "replaceState"]) {
      const native = history[name];
      history[name] = function (...args) {
        const result = native.apply(this, args);
        look();
        return result;
      };
    }
    listen(window, "popstate", look);
  }
  listen(window, "hashchange", look);
  return all;
}

// A query changes with each key of a search. A fragment is a place on the page, but for the routers that keep their
// routes there.
function route() {
  const hash = location.hash;
  return location.pathname + (/^#[!/]/.test(hash) ? hash : "");
}
