/** Hands the widget's inner parts to the tests in tests/browser, which bundle this file. No page loads it. */
import { type Assistant, type ChatView, createClient } from "@frontdesk/client";
import { Frame } from "../src/frame";
import { decorate } from "../src/markdown/decorate";
import { type DrawFormula, withFormulas } from "../src/markdown/formulas";
import { createSanitiser } from "../src/markdown/sanitise";
import { MarkdownView } from "../src/markdown/view";
import { Memory } from "../src/memory";
import { sharedSheets } from "../src/sheets";
import { textsFor } from "../src/texts";

const texts = textsFor("en");
const rules = {
  page: new URL(location.href),
  linkHosts: ["docs.example.com", "mailto:", "tel:"],
  linkPaths: ["/orders", "/orders/*", "/search?*"],
  imageHosts: ["pictures.example.com"],
};
const sanitise = createSanitiser(() => rules);

/** Makes HTML clean under other rules. */
function sanitiseUnder(others: Partial<typeof rules>, html: string) {
  return createSanitiser(() => ({ ...rules, ...others }))(html);
}

/** Returns a renderer in the page; `settled` collects the blocks that it has called settled. */
function markdown(draw?: DrawFormula) {
  const settled: Element[] = [];
  const view = new MarkdownView({
    sanitise: (html) => withFormulas(sanitise(html), draw),
    decorate: (fragment) => decorate(fragment, texts),
    onSettled: (block) => settled.push(block),
  });
  document.body.append(view.element);
  return { view, settled };
}

/** Returns everything inside the panel's frame, in the page; `update` shows a view. */
function frame() {
  const client = createClient({ url: location.origin });
  const made = new Frame({
    texts,
    client,
    chat: client.chat(),
    sanitise,
    memory: new Memory("probe"),
    access: { url: "" },
    close: null,
  });
  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = sharedSheets(document);
  root.append(made.element);
  document.body.append(host);
  return {
    root,
    update: (view: ChatView, assistant: Assistant | null) => made.update(view, assistant),
    remove() {
      made.close();
      host.remove();
    },
  };
}

Object.assign(window, { probe: { markdown, sanitise, sanitiseUnder, frame } });
