/** The widget's style sheets, made once for all widgets of a page. Adopted sheets need no permission of a strict policy. */
import { sheetFor } from "./adopt";
import composer from "./styles/composer.css" with { type: "text" };
import frame from "./styles/frame.css" with { type: "text" };
import markdown from "./styles/markdown.css" with { type: "text" };
import print from "./styles/print.css" with { type: "text" };
import theme from "./styles/theme.css" with { type: "text" };
import transcript from "./styles/transcript.css" with { type: "text" };

const ALL = [theme, frame, transcript, markdown, composer, print];

/** What a page may set of these, and what counts until it does. */
const MEASURES = { inset: "24px", width: "420px", height: "680px", radius: "20px", "font-size": "15px" };

for (const [name, initialValue] of Object.entries(MEASURES)) {
  try {
    // What is no length, such as `500` or `2px 4px`, is as if it were not set, and `0` is one.
    const syntax = "<length-percentage>";
    CSS.registerProperty({ name: `--frontdesk-${name}`, syntax, inherits: true, initialValue });
  } catch {
    // Another copy of this script has done it.
  }
}

export function sharedSheets(document: Document): CSSStyleSheet[] {
  return ALL.map((css) => sheetFor(css, document));
}
