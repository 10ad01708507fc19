/** Style sheets that are loaded with what they are for. */
const sheets = new Map<string, CSSStyleSheet>();

/** Gives the tree that an element stands in a sheet, once it stands there. */
export function adopt(element: Element, css: string): void {
  queueMicrotask(() => {
    const root = element.getRootNode();
    if (!(root instanceof ShadowRoot)) return;
    const sheet = sheets.get(css) ?? new CSSStyleSheet();
    if (!sheets.has(css)) sheet.replaceSync(css);
    sheets.set(css, sheet);
    if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
  });
}
