/** Prints a conversation alone, and all of it, whatever page it stands in. */
import { make } from "../dom";

/** Longer than that nobody waits for pictures. */
const GONE_MS = 60_000;

export function printTranscript(transcript: HTMLElement): void {
  const frame = make("iframe", { "aria-hidden": "true", tabindex: -1 });
  frame.style.cssText = "position:fixed;inline-size:0;block-size:0;border:0";
  document.body.append(frame);
  const inner = frame.contentDocument;
  const window = frame.contentWindow;
  if (inner === null || window === null) return frame.remove();
  const host = inner.createElement("div");
  host.setAttribute("mode", "page");
  inner.body.append(host);
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = sheetsFor(transcript, window as Window & typeof globalThis);
  const copy = inner.importNode(transcript.closest(".surface")!);
  copy.append(inner.importNode(transcript, true));
  root.append(copy);
  window.addEventListener("afterprint", () => frame.remove());
  setTimeout(() => frame.remove(), GONE_MS);
  window.focus();
  window.print();
}

/** Returns the style sheets of the tree that an element stands in, as another document may adopt them. */
function sheetsFor(element: HTMLElement, { CSSStyleSheet }: typeof globalThis): CSSStyleSheet[] {
  const { adoptedStyleSheets } = element.getRootNode() as ShadowRoot;
  return adoptedStyleSheets.map(({ cssRules }) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(Array.from(cssRules, ({ cssText }) => cssText).join("\n"));
    return sheet;
  });
}
