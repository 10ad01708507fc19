/** The widget's style sheets, made once for all widgets of a page. Adopted sheets need no permission of a strict policy. */
import { sheetFor } from "./adopt";
import composer from "./styles/composer.css" with { type: "text" };
import frame from "./styles/frame.css" with { type: "text" };
import markdown from "./styles/markdown.css" with { type: "text" };
import print from "./styles/print.css" with { type: "text" };
import theme from "./styles/theme.css" with { type: "text" };
import transcript from "./styles/transcript.css" with { type: "text" };

const ALL = [theme, frame, transcript, markdown, composer, print];

export function sharedSheets(document: Document): CSSStyleSheet[] {
  return ALL.map((css) => sheetFor(css, document));
}

/** The measures that a page may set, and what they are called inside. */
const MEASURES = { inset: "inset", width: "width", height: "height", radius: "radius", "font-size": "size" };

/** Gives these elements the measures of which the page has left out the unit: in a sum of CSS `0` is no length, and ends it. */
export function addUnits(host: Element, ...elements: readonly HTMLElement[]): void {
  const told = getComputedStyle(host);
  for (const [name, own] of Object.entries(MEASURES)) {
    const value = told.getPropertyValue(`--frontdesk-${name}`).trim();
    if (!/^\d*\.?\d+$/.test(value)) continue;
    for (const { style } of elements) style.setProperty(`--fd-${own}`, `${value}px`);
  }
}
