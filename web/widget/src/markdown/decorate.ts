/** Gives code its head and copy button, and lets wide things scroll on their own, by keyboard too. */
import { make } from "../dom";
import { icon } from "../icons";
import type { Texts } from "../texts";

export function decorate(fragment: DocumentFragment, texts: Texts): void {
  for (const pre of Array.from(fragment.querySelectorAll("pre"))) frameCode(pre, texts);
  for (const table of Array.from(fragment.querySelectorAll("table"))) {
    const scroller = make("div", { class: "table", tabindex: 0, role: "group", "aria-label": texts.table });
    table.replaceWith(scroller);
    scroller.append(table);
  }
}

function frameCode(pre: HTMLPreElement, texts: Texts): void {
  const language = pre.querySelector("code")?.className.replace("language-", "") ?? "";
  const copy = make("button", { class: "copy-code", type: "button", title: texts.copy }, icon("copy"), texts.copy);
  const block = make("div", { class: "code" }, make("div", { class: "code-head" }, make("span", {}, language), copy));
  pre.replaceWith(block);
  const scroller = make("div", { class: "code-body", tabindex: 0, role: "group", "aria-label": texts.code });
  scroller.append(pre);
  block.append(scroller);
}
