// What a reload would take from the visitor.

// The reasons not to reload: those that the page gave, and `form`, `media`, `dialog`, `fullscreen`.
export function unsaved({ edited, blocks }) {
  const reasons = [...blocks].map((block) => block.reason);
  if ([...edited].some(isUnsaved)) reasons.push("form");
  if ([...document.querySelectorAll("audio,video")].some(isPlaying)) reasons.push("media");
  if (document.querySelector("dialog[open],[aria-modal=true]")) reasons.push("dialog");
  if (document.fullscreenElement) reasons.push("fullscreen");
  return reasons;
}

// An input that was cleared again, or is no longer there, holds nothing.
function isUnsaved(element) {
  if (!element.isConnected) return false;
  if (element.isContentEditable) return element.textContent.trim();
  if (/^(checkbox|radio)$/.test(element.type)) return element.checked !== element.defaultChecked;
  return element.value && element.value !== element.defaultValue;
}

// A silent film in a loop is decoration.
function isPlaying(media) {
  return !media.paused && !media.ended && !(media.muted && media.loop);
}
