// The boot guard: for the page that is dead before any script of its own has run, as an old shell from a cache whose
// entry script is gone. What failed before the client came is found by what was recorded of it.

// The scripts and style sheets of the page that could not be loaded.
export function failedParts() {
  const loaded = {};
  for (const { name, responseStatus, decodedBodySize } of performance.getEntriesByType("resource")) {
    // WebKit has no status.
    loaded[name] = responseStatus ? responseStatus < 400 : decodedBodySize;
  }
  return [...document.querySelectorAll("script[src],link[rel=stylesheet]")].filter((element) => {
    const url = element.src || element.href;
    return url in loaded && !loaded[url];
  });
}
