// Whether a release concerns the page that is open.

// The size of the browsers' buffer (Resource Timing, section 4.4).
const MAX_ENTRIES = 250;

// True unless nothing has changed of what the page consists of, has loaded, or links to. `path` is the file behind the
// page. True as well where that is unknown.
export function isRelevant(changes, path) {
  if (!changes || !path) return true;
  const changed = new Set([...changes.added, ...changes.changed, ...changes.removed]);
  const linked = [...document.querySelectorAll("script[src],link[href]")].map(({ src, href }) => src || href);
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  // What was loaded once the buffer was full is not recorded.
  if (loaded.length >= MAX_ENTRIES) return true;
  const own = [...linked, ...loaded].filter((url) => url.startsWith(location.origin + "/"));
  return [path, ...own.map((url) => new URL(url).pathname)].some((path) => changed.has(decode(path)));
}

function decode(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
