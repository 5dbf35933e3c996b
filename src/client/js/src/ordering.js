// Which of two releases is the later one. Pure functions.

// How long, and in how many responses at least, a release that is not evidently later must be the only one that the
// server names before it counts: longer than it takes to roll a deploy out to all replicas.
export const CONFIRM_MS = 120000;
export const CONFIRM_RESPONSES = 5;

// True if the received release has evidently replaced the known one: its server had the known one before, or it was
// built later. Where each claims to have replaced the other (a rollback that has not reached all replicas), the one
// published last counts.
export function replaces(received, known) {
  const before = received.previous.includes(known.id);
  const after = (known.previous || []).includes(received.id);
  if (before && after) return received.published > known.published;
  return before || (!after && received.built > known.built);
}

// Tracks a release that is not evidently later. It is confirmed once no other has been received for long enough: in the
// middle of a rolling deploy an old replica names the old release for a while, and no longer.
export function trackCandidate() {
  let id, since, responses;
  return {
    clear() {
      id = undefined;
    },
    // True once the release is confirmed.
    confirms(received, now) {
      if (received.id !== id) {
        id = received.id;
        since = now;
        responses = 0;
      }
      return ++responses >= CONFIRM_RESPONSES && now - since >= CONFIRM_MS;
    },
  };
}
