/** Keys of an input method choose among words and mean nothing to us. */

/** Safari ends the composition before the key that confirms it comes; some milliseconds later it is somebody's own. */
const SETTLES_MS = 30;

let composedAt = -Infinity;
addEventListener("compositionend", ({ timeStamp }) => (composedAt = timeStamp), true);

/** Whether an input method has this key, or just had it. */
export function isInputMethods(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229 || event.timeStamp - composedAt < SETTLES_MS;
}
