// Which of two releases is the later one.

import assert from "node:assert/strict";
import { test } from "node:test";

import { CONFIRM_MS, CONFIRM_RESPONSES, replaces, trackCandidate } from "../src/ordering.js";

const page = (id, built) => ({ id, built });
const release = (id, built, previous, published = "2026-01-01T00:00:00.000Z") => ({ id, built, previous, published });

test("known release among the previous ones: replaced, whatever the build times", () => {
  assert.ok(replaces(release("b", 2, ["a"]), page("a", 1)));
  assert.ok(replaces(release("b", 1, ["a"]), page("a", 2)), "a rollback");
  assert.ok(replaces(release("b", 2, ["c", "a"]), page("a", 2)));
});

test("known release not among the previous ones: replaced by one that was built later only", () => {
  assert.ok(replaces(release("b", 2, []), page("a", 1)));
  assert.ok(!replaces(release("b", 1, []), page("a", 1)));
  assert.ok(!replaces(release("b", 1, []), page("a", 2)));
});

test("release of an old replica: does not replace that of a new one", () => {
  const fresh = release("b", 2, ["a"]);
  assert.ok(!replaces(release("a", 1, []), fresh));
  assert.ok(
    !replaces(release("a", 3, []), fresh),
    "built later by a wrong clock, but among the previous ones of the known",
  );
});

test("each among the previous ones of the other: the last published replaces", () => {
  const [early, late] = ["2026-01-01T00:00:01.000Z", "2026-01-01T00:00:02.000Z"];
  const forth = release("b", 2, ["a"], early);
  const back = release("a", 1, ["b"], late);
  assert.ok(replaces(back, forth));
  assert.ok(!replaces(forth, back));
});

test("candidate received alone for long enough: confirmed", () => {
  const candidate = trackCandidate();
  const old = release("a", 1, []);
  const step = CONFIRM_MS / (CONFIRM_RESPONSES - 1);
  for (let n = 0; n < CONFIRM_RESPONSES - 1; n++) assert.ok(!candidate.confirms(old, n * step), `response ${n}`);
  assert.ok(candidate.confirms(old, CONFIRM_MS));
});

test("candidate received twice, or often within a short time: not confirmed", () => {
  const candidate = trackCandidate();
  const old = release("a", 1, []);
  assert.ok(!candidate.confirms(old, 0));
  assert.ok(!candidate.confirms(old, 100 * CONFIRM_MS));
  const other = trackCandidate();
  for (let n = 0; n < 100; n++) assert.ok(!other.confirms(old, n));
});

test("candidate interrupted by another release: starts again", () => {
  const candidate = trackCandidate();
  const [a, c] = [release("a", 1, []), release("c", 1, [])];
  for (let n = 0; n < 20; n++) {
    assert.ok(!candidate.confirms(n % 5 === 4 ? c : a, n * CONFIRM_MS));
    if (n % 7 === 6) candidate.clear();
  }
});
