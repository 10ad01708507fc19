/** The widget's style sheets, made once for all widgets of a page. Adopted sheets need no permission of a strict policy. */
import composer from "./styles/composer.css" with { type: "text" };
import frame from "./styles/frame.css" with { type: "text" };
import markdown from "./styles/markdown.css" with { type: "text" };
import print from "./styles/print.css" with { type: "text" };
import theme from "./styles/theme.css" with { type: "text" };
import transcript from "./styles/transcript.css" with { type: "text" };

const ALL = [theme, frame, transcript, markdown, composer, print];

let sheets: CSSStyleSheet[] | null = null;

export function sharedSheets(): CSSStyleSheet[] {
  return (sheets ??= ALL.map((css) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    return sheet;
  }));
}
