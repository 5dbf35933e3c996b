// Watches for parts of the page that can't be loaded: a chunk of an old build that is gone.

import { failedParts } from "./failed-elements.js";
import { listen } from "./no-throw.js";

// What the engines, Vite and webpack say of a failed import. Chromium and Firefox add the address.
const FAILED_IMPORT = /dynamically imported mod|Importing a mod|JavaScript MIME|preload CSS|Loading (CSS )?chunk/;

// Calls `suspect` with the address of what failed, as far as it is known, and true if the page can hardly have come to
// life without it. Returns what is to be called once the page has loaded, for what failed before this script ran.
export function watchParts(suspect) {
  listen(window, "error", ({ target }) => failed(target), true);
  listen(window, "vite:preloadError", ({ payload }) => broken(payload));
  listen(window, "unhandledrejection", ({ reason }) => broken(reason));
  return () => {
    for (const element of failedParts()) failed(element, true);
  };

  function broken(error) {
    const text = String((error && error.message) || error);
    if (FAILED_IMPORT.test(text)) suspect((/(?:^|[\s(])((?:https?:\/)?\/[^\s)]+)/.exec(text) || [])[1]);
  }

  // Of other origins nothing can be found out, not even whether they failed.
  function failed({ tagName, src, href }, early) {
    const url = src || href;
    if (!/^(SCRIPT|LINK)$/.test(tagName) || !url.startsWith(location.origin + "/")) return;
    suspect(url, tagName === "SCRIPT" && (early || document.readyState !== "complete"));
  }
}
