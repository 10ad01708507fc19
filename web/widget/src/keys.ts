/** Keys of an input method choose among words and mean nothing to us. */

/** Safari ends the composition before the key that confirms it comes; some milliseconds later it is somebody's own. */
const SETTLES_MS = 30;

let composedAt = -Infinity;
addEventListener("compositionend", ({ timeStamp }) => (composedAt = timeStamp), true);

/** Whether an input method has this key, or just had it. */
export function isInputMethods(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229 || event.timeStamp - composedAt < SETTLES_MS;
}

/** The events of typing. */
export const TYPED = ["keydown", "keypress", "keyup", "beforeinput", "input", "paste", "cut"] as const;

/**
 * Keeps what is typed into a field of ours from the page: it sees our element as the target, not a field, and would take
 * a letter for one of its shortcuts. Those with Ctrl or Meta are the page's all the same.
 */
export function keepInside(event: Event): void {
  const isField = event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLInputElement;
  const isShortcut = event instanceof KeyboardEvent && (event.ctrlKey || event.metaKey);
  if (isField && !isShortcut) event.stopPropagation();
}

/** Returns a listener that does something on Escape and keeps the key from closing more, ours or the browser's. */
export function escape(back: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.key !== "Escape" || isInputMethods(event)) return;
    event.preventDefault();
    event.stopPropagation();
    back();
  };
}
