// Which of two releases is the later one. Pure.

// How long, and in how many answers at least, a release that is not evidently later must be the only one that is
// named before it is believed: longer than it takes to roll a deploy over a fleet of replicas.
export const DOUBT_MS = 120000;
export const DOUBT_ANSWERS = 5;

// True if what is heard has evidently replaced what is known: its server had the known one before, or it was built
// later. Where each says that it replaced the other (a rollback that has not reached all replicas), the one that was
// published last counts.
export function replaces(heard, known) {
  const before = heard.previous.includes(known.id);
  const after = (known.previous || []).includes(heard.id);
  if (before && after) return heard.published > known.published;
  return before || (!after && heard.built > known.built);
}

// Takes what is not evidently later for true once nothing else has been heard for long enough. In the middle of a
// rolling deploy an old replica says the same for a while, and no longer.
export function doubt() {
  let id, since, answers;
  return {
    clear() {
      id = undefined;
    },
    // True if the release may be believed by now.
    settles(heard, now) {
      if (heard.id !== id) {
        id = heard.id;
        since = now;
        answers = 0;
      }
      return ++answers >= DOUBT_ANSWERS && now - since >= DOUBT_MS;
    },
  };
}
