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
const TYPED = ["keydown", "keypress", "keyup", "beforeinput", "input", "paste", "cut"];
/** What pages like to take for themselves, or to forbid: scrolling, selections, drags, and the focus while they ask something. */
const HANDLED = ["wheel", "mousewheel", "touchmove", "selectstart", "copy", "contextmenu", "focusin"];
const DRAGGED = ["dragstart", "dragenter", "dragover", "drop"];
/** With Ctrl or Meta they edit a text. */
const EDITS = /^([acvxyz]|Arrow.+|Backspace|Delete|End|Enter|Home)$/i;
/** They press what has the focus, or scroll it. */
const WORKS = /^( |Arrow.+|End|Enter|Home|Page.+)$/;

/**
 * Keeps from the page what is done in a tree of ours: it sees our element as the target, not a field, and would take a letter
 * for one of its shortcuts, turn a page or upload a file. Shortcuts with Ctrl or Meta that edit nothing are the page's all the same.
 */
export function keepInside(root: ShadowRoot): void {
  const stop = (event: Event) => event.stopPropagation();
  for (const type of TYPED) root.addEventListener(type, (event) => isOurs(event) && stop(event));
  for (const type of HANDLED) root.addEventListener(type, stop, { passive: true });
  // Where the page forbade it with the press.
  root.addEventListener("click", ({ target }) => isField(target) && target.focus());
  for (const type of DRAGGED) root.addEventListener(type, (event) => keepDragged(event as DragEvent));
}

function isOurs(event: Event): boolean {
  const isTyped = isField(event.target);
  if (!(event instanceof KeyboardEvent)) return isTyped;
  if (event.ctrlKey || event.metaKey) return isTyped && EDITS.test(event.key);
  return isTyped || WORKS.test(event.key);
}

function isField(target: EventTarget | null): target is HTMLElement {
  return target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement;
}

/** Files that nothing here takes are not what the browser goes to. */
function keepDragged(event: DragEvent): void {
  event.stopPropagation();
  if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "none";
}

/** Returns a listener for a field: Escape leaves it, Enter saves it, and neither does more, of ours, the page's or the browser's. */
export function ending(back: () => void, save?: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    const act = event.key === "Escape" ? back : isEntered(event) ? save : undefined;
    if (!act || isInputMethods(event)) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
}

/** Not on a button, which Enter presses. */
function isEntered({ key, target }: KeyboardEvent): boolean {
  return key === "Enter" && !(target instanceof HTMLButtonElement);
}
