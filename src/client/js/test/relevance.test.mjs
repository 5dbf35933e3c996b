// Whether a release concerns the page that is open.

import assert from "node:assert/strict";
import { test } from "node:test";

import { isRelevant } from "../src/relevance.js";

const changes = (changed, { added = [], removed = [] } = {}) => ({ added, changed, removed });

// Sets up a page at http://site/docs/b with these elements and these resource entries.
function openPage({ scripts = [], links = [], loaded = [] }) {
  globalThis.location = new URL("http://site/docs/b");
  const elements = [...scripts.map((src) => ({ src })), ...links.map((href) => ({ href }))];
  globalThis.document = { querySelectorAll: () => elements };
  const entries = loaded.map((name) => ({ name }));
  Object.defineProperty(globalThis, "performance", { value: { getEntriesByType: () => entries }, configurable: true });
}

test("page, linked and loaded files changed or removed: relevant", () => {
  openPage({
    scripts: ["http://site/app.js"],
    links: ["http://site/a%20b.css"],
    loaded: ["http://site/data.json?x=1"],
  });
  for (const path of ["/docs/b.html", "/app.js", "/a b.css", "/data.json"]) {
    assert.ok(isRelevant(changes([path]), "/docs/b.html"), path);
    assert.ok(isRelevant(changes([], { removed: [path] }), "/docs/b.html"), path);
  }
});

test("other files changed: not relevant", () => {
  openPage({ scripts: ["http://cdn/other.js"], loaded: ["http://site/app.js"] });
  assert.ok(!isRelevant(changes(["/docs/c.html", "/other.js", "/index.html"]), "/docs/b.html"));
  assert.ok(!isRelevant(changes([]), "/docs/b.html"));
});

test("invalid URL on the page: ignored", () => {
  openPage({ links: ["https://"], scripts: ["http://site/app.js"] });
  assert.ok(isRelevant(changes(["/app.js"]), "/docs/b.html"));
});

test("resource buffer full: relevant", () => {
  openPage({ loaded: Array.from({ length: 250 }, (_, n) => `http://site/${n}.js`) });
  assert.ok(isRelevant(changes([]), "/docs/b.html"));
});

test("changes or path unknown: relevant", () => {
  openPage({});
  assert.ok(isRelevant(null, "/docs/b.html"));
  assert.ok(isRelevant(changes([]), null));
});
