// For the page that fails before any script of its own has run, such as a cached HTML page whose entry script is gone:
// what failed before the client was loaded is found in the performance timeline.

// The scripts and style sheets of the page that could not be loaded.
export function failedElements() {
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
