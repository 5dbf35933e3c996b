// Whether a release concerns the page that is open.

// The size of the browsers' buffer (Resource Timing, section 4.4).
const MOST_ENTRIES = 250;

// True unless nothing has changed of what the page is, has loaded, or names. `path` is the file behind the page.
export function matters(changes, path) {
  if (!changes || !path) return true;
  const changed = new Set([...changes.added, ...changes.changed, ...changes.removed]);
  const named = [...document.querySelectorAll("script[src],link[href]")].map(({ src, href }) => src || href);
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  // What was loaded after that is not recorded.
  if (loaded.length >= MOST_ENTRIES) return true;
  const own = [...named, ...loaded].filter((url) => url.startsWith(location.origin + "/"));
  return [path, ...own.map((url) => new URL(url).pathname)].some((path) => changed.has(decoded(path)));
}

function decoded(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
