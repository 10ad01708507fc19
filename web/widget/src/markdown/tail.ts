/**
 * The open end of an answer, as it will probably go on: marks that are half written neither flash nor change what stands
 * before them. What is guessed here is only shown until more has come.
 */

import { openFormula, withoutFormulas } from "./formulas";

/** A last line that is nothing but marks: `-` would make the line above a heading, `|` an empty row. */
const ONLY_MARKS = /(^|\n)[-=*+_#>|~`: \t]+$/;
/** A table's head before the line of dashes under it is whole. */
const BEGUN_TABLE = /(^|\n)\|[^\n]*(\n[-:| \t]*)?$/;
const BEGUN_LINK = /(!?)\[([^[\]\n]*)(?:\](?:\((?:[^()\n]|\([^()\n]*\))*(?:\([^()\n]*)?|\[[^[\]\n]*)?)?$/;
/** A line that may become an item: its number, or its box. */
const BEGUN_ITEM = /^[ \t]*(\d{1,9}[.)]?|[-*+][ \t]+\[[ x]?\]?)[ \t]*$/i;
/** A sign in words, or a line break, of which not all has come. */
const BEGUN_SIGN = /(&#?\w{0,31}|<(b(r\s*\/?)?)?)$/i;

/** Returns what to show for an open block of this kind. */
export function mend(source: string, kind: string): string {
  if (kind === "fence") return mendFence(source);
  if (kind === "formula_block") return source.replace(/\n[ \t]*(\\|\$)$/, "\n");
  // Under a table's head a line of marks is no guess any more.
  if (kind === "table_open" && source.trimEnd().split("\n").length === 2) return source;
  let text = source.replace(ONLY_MARKS, "$1").replace(/\\(\n\s*)$/, "$1");
  if (kind === "paragraph_open") text = text.replace(BEGUN_TABLE, "$1");
  const line = text.lastIndexOf("\n") + 1;
  return text.slice(0, line) + mendLine(text.slice(line));
}

/** Waits for the line that names the language, and hides half a closing fence. */
function mendFence(source: string): string {
  return source.includes("\n") ? source.replace(/\n[ \t]*(`{1,2}|~{1,2})$/, "\n") : "";
}

function mendLine(line: string): string {
  if (BEGUN_ITEM.test(line)) return "";
  const formula = openFormula(line);
  if (formula !== "") return line.replace(/[\\$]$/, "") + formula;
  const ticks = line.split("`").length - 1;
  if (ticks % 2 === 1) return line.endsWith("`") ? line.slice(0, -1) : `${line}\``;
  const text = line
    .replace(BEGUN_LINK, (_all, picture: string, label: string) => (picture ? "" : label))
    .replace(BEGUN_SIGN, "")
    .replace(/[*_~]+$/, "")
    .replace(/(\\[([]?|\$\$)$/, "")
    .trimEnd();
  return text + openMarks(withoutFormulas(text)).reverse().join("");
}

/** Returns the marks of emphasis that a line opened and did not close. */
function openMarks(line: string): string[] {
  const open: string[] = [];
  const bullet = /^\s*[*+-]\s/.exec(line)?.[0].length ?? 0;
  for (const { 0: mark, index } of line.slice(bullet).matchAll(/\\.|\*\*|\*|~~|__/g)) {
    if (mark[0] === "\\") continue;
    const at = bullet + index;
    if (open.includes(mark)) {
      if (/\S/.test(line[at - 1] ?? " ")) open.splice(open.lastIndexOf(mark));
    } else if (/\S/.test(line[at + mark.length] ?? " ")) {
      open.push(mark);
    }
  }
  return open;
}
