// What the visitor would lose by a reload.

// The reasons not to reload: those of the page's blocks, and `form`, `media`, `dialog`, `fullscreen`.
export function unsavedReasons({ edited, blocks }) {
  const reasons = [...blocks.values()];
  if ([...edited].some(isUnsaved)) reasons.push("form");
  if (all("audio,video").some(isPlaying) || (navigator.mediaSession || {}).playbackState === "playing") {
    reasons.push("media");
  }
  if (all("dialog[open],[aria-modal=true]").some(isVisible)) reasons.push("dialog");
  if (document.fullscreenElement) reasons.push("fullscreen");
  return reasons;
}

// An input that was cleared again, or is no longer in the document, loses nothing.
function isUnsaved([element, before]) {
  if (!element.isConnected) return false;
  if (element.isContentEditable) return element.textContent.trim();
  if (/^(checkbox|radio)$/.test(element.type)) return element.checked !== element.defaultChecked;
  return element.value !== before;
}

function isVisible(element) {
  return !element.checkVisibility || element.checkVisibility();
}

function all(selector) {
  return [...document.querySelectorAll(selector)];
}

// A muted video in a loop is decoration.
function isPlaying(media) {
  return !media.paused && !media.ended && !(media.muted && media.loop);
}
