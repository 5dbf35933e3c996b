// Whether a release concerns the page that is open.

import assert from "node:assert/strict";
import { test } from "node:test";

import { matters } from "../src/relevance.js";

const changes = (changed, { added = [], removed = [] } = {}) => ({ added, changed, removed });

// A page with these elements and these resources, at http://site/docs/b.
function open({ scripts = [], links = [], loaded = [] }) {
  globalThis.location = new URL("http://site/docs/b");
  const elements = [...scripts.map((src) => ({ src })), ...links.map((href) => ({ href }))];
  globalThis.document = { querySelectorAll: () => elements };
  const entries = loaded.map((name) => ({ name }));
  Object.defineProperty(globalThis, "performance", { value: { getEntriesByType: () => entries }, configurable: true });
}

test("the page itself, what it names and what it has loaded matter", () => {
  open({ scripts: ["http://site/app.js"], links: ["http://site/a%20b.css"], loaded: ["http://site/data.json?x=1"] });
  for (const path of ["/docs/b.html", "/app.js", "/a b.css", "/data.json"]) {
    assert.ok(matters(changes([path]), "/docs/b.html"), path);
    assert.ok(matters(changes([], { removed: [path] }), "/docs/b.html"), path);
  }
});

test("nothing else does", () => {
  open({ scripts: ["http://cdn/other.js"], loaded: ["http://site/app.js"] });
  assert.ok(!matters(changes(["/docs/c.html", "/other.js", "/index.html"]), "/docs/b.html"));
  assert.ok(!matters(changes([]), "/docs/b.html"));
});

test("a bad address on the page is no matter", () => {
  open({ links: ["https://"], scripts: ["http://site/app.js"] });
  assert.ok(matters(changes(["/app.js"]), "/docs/b.html"));
});

test("what may not have been recorded matters", () => {
  open({ loaded: Array.from({ length: 250 }, (_, n) => `http://site/${n}.js`) });
  assert.ok(matters(changes([]), "/docs/b.html"));
});

test("what is not known matters", () => {
  open({});
  assert.ok(matters(null, "/docs/b.html"));
  assert.ok(matters(changes([]), null));
});
