// Detects parts of the page that can't be loaded, such as a chunk of an old build that is gone.

import { failedElements } from "./failed-elements.js";
import { listen } from "./no-throw.js";

// The messages of failed imports in the engines, Vite and webpack. Chromium and Firefox add the URL.
const FAILED_IMPORT = /dynamically imported mod|Importing a mod|JavaScript MIME|preload CSS|Loading (CSS )?chunk/;

// Calls `markBroken` with the URL of what failed, undefined if unknown, and true if the page can hardly have started
// without it. Returns a function to be called once the page has loaded, for what failed before this script ran.
export function watchFailures(markBroken) {
  listen(window, "error", ({ target }) => onElementError(target), true);
  listen(window, "vite:preloadError", ({ payload }) => onImportError(payload));
  listen(window, "unhandledrejection", ({ reason }) => onImportError(reason));
  return () => {
    for (const element of failedElements()) onElementError(element, true);
  };

  function onImportError(error) {
    const text = String((error && error.message) || error);
    if (FAILED_IMPORT.test(text)) markBroken((/(?:^|[\s(])((?:https?:\/)?\/[^\s)]+)/.exec(text) || [])[1]);
  }

  // Nothing can be found out about other origins, not even whether a request failed.
  function onElementError({ tagName, src, href }, isEarly) {
    const url = src || href;
    if (!/^(SCRIPT|LINK)$/.test(tagName) || !url.startsWith(location.origin + "/")) return;
    markBroken(url, tagName === "SCRIPT" && (isEarly || document.readyState !== "complete"));
  }
}
