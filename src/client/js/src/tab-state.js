// The state of notices that the tabs of a browser share: when the last was shown, how long it is snoozed, which release
// was accepted. Kept in localStorage, and posted to the other tabs; where storage throws, in this tab's memory alone.

import { listen, noThrow } from "./no-throw.js";

// `{ until, times, of, shown, shownId, tab, taken, takenAt, tries }`: the end of the snooze (ms since 1970), how often it
// was snoozed, and on which release; when a notice was last shown, for which release, by which tab; the release that a
// tab has refreshed to, when, and how often before that. Of a forced refresh: `{ forcedId, putOff, ends }`, the release,
// until when it is postponed, and when the countdown ends.
//
// `post` sends a change to the other tabs; `onChange` is called with a change of another tab.
export function tabState(base, post, onChange) {
  const key = "tidings:" + base;
  let state = {};

  const merge = (change) => {
    state = { ...state, ...change };
    onChange(change);
  };
  // Only where there is no channel, which is faster.
  if (!window.BroadcastChannel) {
    listen(window, "storage", (event) => event.key === key && merge(JSON.parse(event.newValue)));
  }
  return {
    merge,
    read() {
      noThrow(() => (state = { ...state, ...JSON.parse(localStorage.getItem(key)) }))();
      return state;
    },
    write(change) {
      state = { ...this.read(), ...change };
      noThrow(() => localStorage.setItem(key, JSON.stringify(state)))();
      post(change);
    },
  };
}
