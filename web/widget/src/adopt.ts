/** Style sheets: one of each text in a document, which takes none of another one's. */
const sheets = new WeakMap<Document, Map<string, CSSStyleSheet>>();

export function sheetFor(css: string, document: Document): CSSStyleSheet {
  const own = sheets.get(document) ?? new Map<string, CSSStyleSheet>();
  sheets.set(document, own);
  const sheet = own.get(css) ?? newSheet(document);
  if (!own.has(css)) sheet.replaceSync(css);
  own.set(css, sheet);
  return sheet;
}

export function newSheet({ defaultView }: Document): CSSStyleSheet {
  return new ((defaultView ?? window) as typeof globalThis).CSSStyleSheet();
}

/** Gives the tree that an element stands in a sheet, once it stands there. */
export function adopt(element: Element, css: string): void {
  queueMicrotask(() => {
    const root = element.getRootNode();
    if (!(root instanceof ShadowRoot)) return;
    const sheet = sheetFor(css, root.ownerDocument);
    if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
  });
}
