/** The style sheet of the cards, which is loaded with them. */
import css from "../styles/approvals.css" with { type: "text" };

let sheet: CSSStyleSheet | undefined;

/** Gives the tree that an element stands in the sheet, once it stands there. */
export function adopt(element: Element): void {
  queueMicrotask(() => {
    const root = element.getRootNode();
    if (!(root instanceof ShadowRoot)) return;
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
    }
    if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
  });
}
