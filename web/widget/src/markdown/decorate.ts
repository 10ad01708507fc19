/** Gives code its head and copy button, and lets wide things scroll on their own, by keyboard too. */
import { make } from "../dom";
import { icon } from "../icons";
import type { Texts } from "../texts";

/** An amount, perhaps of money or in percent; or nothing, or a dash for it. */
const NUMBER =
  /^(?:[-+−–±~≈]?\s*(?:\p{Sc}|[A-Z]{3})?\s*[-+−]?\d[\d.,'’\u00a0\u202f ]*\s*(?:%|‰|\p{Sc}|[A-Z]{3})?|[-–—]?)$/u;
/** Longer is no number that somebody reads; and the longer, the longer it takes to see that. */
const NUMBER_CHARACTERS = 40;

export function decorate(fragment: DocumentFragment, texts: Texts): void {
  for (const pre of Array.from(fragment.querySelectorAll("pre"))) frameCode(pre, texts);
  for (const list of Array.from(fragment.querySelectorAll("ol"))) makeRoom(list);
  for (const table of Array.from(fragment.querySelectorAll("table"))) {
    alignNumbers(table);
    const scroller = make("div", { class: "table", tabindex: 0, role: "group", "aria-label": texts.table });
    table.replaceWith(scroller);
    scroller.append(table);
  }
}

/** A number of three digits or more needs more room than there is in front of a list. */
function makeRoom(list: HTMLOListElement): void {
  const digits = String(list.start + list.childElementCount - 1).length;
  if (digits > 2) list.classList.add(`digits-${Math.min(digits, 5)}`);
}

export function isNumber(text: string): boolean {
  const said = text.trim();
  return said.length <= NUMBER_CHARACTERS && NUMBER.test(said);
}

/** Numbers stand below each other by their ends, where nobody has said another thing. */
function alignNumbers(table: HTMLTableElement): void {
  const [head, ...rows] = Array.from(table.rows, ({ cells }) => Array.from(cells));
  head?.forEach((title, at) => {
    const column = rows.map((cells) => cells[at]).filter((cell) => cell !== undefined);
    const isAligned = title.hasAttribute("align") || !column.some((cell) => /\d/.test(cell.textContent ?? ""));
    if (isAligned || !column.every((cell) => isNumber(cell.textContent ?? ""))) return;
    for (const cell of [title, ...column]) cell.setAttribute("align", "right");
  });
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
