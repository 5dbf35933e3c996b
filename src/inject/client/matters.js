// Whether a release concerns the page that is open.

// True unless nothing has changed of what the page is, has loaded, or names. `path` is the file behind the page.
export function matters(changes, path) {
  if (!changes || changes.truncated || !path) return true;
  const changed = new Set([...changes.added, ...changes.changed, ...changes.removed]);
  const named = [...document.querySelectorAll("script[src],link[href]")].map(({ src, href }) => src || href);
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  const urls = [...named, ...loaded].map((url) => new URL(url));
  const own = urls.filter(({ origin }) => origin === location.origin).map(({ pathname }) => pathname);
  return [path, ...own].some((path) => changed.has(decoded(path)));
}

function decoded(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
