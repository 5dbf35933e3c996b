// Watches for parts of the page that can't be loaded: a chunk of an old build that is gone.

import { listen } from "./guard.js";

// What the engines and Vite say of a failed import. Chromium and Firefox add the address.
const FAILED_IMPORT =
  /Failed to fetch dynamically imported module|error loading dynamically imported module|Importing a module script failed|is not a valid JavaScript MIME type|Unable to preload CSS|Loading (CSS )?chunk/i;

// Calls `suspect` with the address of what failed, as far as it is known, and with true if the page never came to
// life because of it.
export function watchParts(suspect) {
  listen(window, "error", ({ target }) => failed(target, false), true);
  listen(window, "vite:preloadError", ({ payload }) => broken(payload));
  listen(window, "unhandledrejection", ({ reason }) => broken(reason));

  function broken(error) {
    const text = String((error && error.message) || error);
    if (FAILED_IMPORT.test(text)) suspect((/(?:https?:\/)?\/\S+/.exec(text) || [])[0]);
  }

  function failed(element, early) {
    const url = element && /^(SCRIPT|LINK)$/.test(element.tagName) && (element.src || element.href);
    if (url) suspect(url, early || isEntry(element));
  }

  // What failed before this script ran: a page from a cache, whose entry script is gone.
  return () => {
    const status = {};
    for (const { name, responseStatus } of performance.getEntriesByType("resource")) status[name] = responseStatus;
    for (const element of document.querySelectorAll("script[src],link[rel~=stylesheet]")) {
      const url = element.src || element.href;
      if (status[url] >= 400 || !(url in status)) failed(element, isEntry(element));
    }
  };
}
