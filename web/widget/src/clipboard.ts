/**
 * Copies a text, also on a page without https and in a frame that has no permission, where the browser gives no clipboard.
 *
 * Throws where there is no way at all.
 */
export async function copy(text: string, beside: Element): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // There is none, or it is refused. A selection may be copied all the same.
    if (!copySelected(text, beside)) throw new Error("nothing was copied");
  }
}

function copySelected(text: string, beside: Element): boolean {
  const area = document.createElement("textarea");
  const focused = (beside.getRootNode() as Document | ShadowRoot).activeElement;
  area.className = "unseen";
  area.value = text;
  beside.after(area);
  area.select();
  try {
    return document.execCommand("copy");
  } finally {
    area.remove();
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }
}
