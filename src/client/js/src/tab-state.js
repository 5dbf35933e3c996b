// What the tabs of a browser know together of notices: when the last was shown, how long there is to be quiet, which
// release was taken. In storage, and told to the other tabs; where storage throws, in this tab's memory alone.

import { guarded, listen } from "./no-throw.js";

// `{ until, times, of, shown, shownId, tab, taken, takenAt, tries }`: the end of the quiet (ms since 1970), how often
// Later was said, on which release that was; when a notice was last shown, for which release, by which tab; the release
// that a tab has refreshed to, when, and how often before that. And of a forced refresh: `{ forcedId, putOff, ends }`,
// the release, until when it was put off, and when the countdown ends.
export function sharedMemory(base, tell, changed) {
  const key = "tidings:" + base;
  let memory = {};

  const take = (told) => {
    memory = { ...memory, ...told };
    changed(told);
  };
  // Only where nothing faster tells.
  if (!window.BroadcastChannel) {
    listen(window, "storage", (event) => event.key === key && take(JSON.parse(event.newValue)));
  }
  return {
    take,
    recall() {
      guarded(() => (memory = { ...memory, ...JSON.parse(localStorage.getItem(key)) }))();
      return memory;
    },
    remember(change) {
      memory = { ...this.recall(), ...change };
      guarded(() => localStorage.setItem(key, JSON.stringify(memory)))();
      tell(change);
    },
  };
}
