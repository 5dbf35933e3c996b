// Which of two releases is the later one.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DOUBT_ANSWERS, DOUBT_MS, doubt, replaces } from "../src/ordering.js";

const page = (id, built) => ({ id, built });
const said = (id, built, previous, published = "2026-01-01T00:00:00.000Z") => ({ id, built, previous, published });

test("what the server had before is behind, whatever the times", () => {
  assert.ok(replaces(said("b", 2, ["a"]), page("a", 1)));
  assert.ok(replaces(said("b", 1, ["a"]), page("a", 2)), "a rollback");
  assert.ok(replaces(said("b", 2, ["c", "a"]), page("a", 2)));
});

test("what the server never had is behind what was built later, and no other", () => {
  assert.ok(replaces(said("b", 2, []), page("a", 1)));
  assert.ok(!replaces(said("b", 1, []), page("a", 1)));
  assert.ok(!replaces(said("b", 1, []), page("a", 2)));
});

test("an old replica does not win against the news that came from a new one", () => {
  const fresh = said("b", 2, ["a"]);
  assert.ok(!replaces(said("a", 1, []), fresh));
  assert.ok(!replaces(said("a", 3, []), fresh), "its clock may be wrong: the new one knows that it replaced it");
});

test("where each replaced the other, the last published counts", () => {
  const [early, late] = ["2026-01-01T00:00:01.000Z", "2026-01-01T00:00:02.000Z"];
  const forth = said("b", 2, ["a"], early);
  const back = said("a", 1, ["b"], late);
  assert.ok(replaces(back, forth));
  assert.ok(!replaces(forth, back));
});

test("what is not evidently later is believed when nothing else was heard for long enough", () => {
  const doubts = doubt();
  const old = said("a", 1, []);
  const step = DOUBT_MS / (DOUBT_ANSWERS - 1);
  for (let n = 0; n < DOUBT_ANSWERS - 1; n++) assert.ok(!doubts.settles(old, n * step), `answer ${n}`);
  assert.ok(doubts.settles(old, DOUBT_MS));
});

test("time alone does not settle it, nor do many answers at once", () => {
  const doubts = doubt();
  const old = said("a", 1, []);
  assert.ok(!doubts.settles(old, 0));
  assert.ok(!doubts.settles(old, 100 * DOUBT_MS));
  const others = doubt();
  for (let n = 0; n < 100; n++) assert.ok(!others.settles(old, n));
});

test("any other answer starts it anew", () => {
  const doubts = doubt();
  const [a, c] = [said("a", 1, []), said("c", 1, [])];
  for (let n = 0; n < 20; n++) {
    assert.ok(!doubts.settles(n % 5 === 4 ? c : a, n * DOUBT_MS));
    if (n % 7 === 6) doubts.clear();
  }
});
