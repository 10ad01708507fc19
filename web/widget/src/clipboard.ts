/** Copies a text, also on a page without https, where the browser gives no clipboard. */
export async function copy(text: string, beside: Element): Promise<void> {
  if (navigator.clipboard !== undefined && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea");
  area.className = "unseen";
  area.value = text;
  beside.after(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
