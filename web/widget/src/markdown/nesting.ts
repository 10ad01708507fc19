/**
 * Lists as models indent them: what stands two columns or more behind an item's mark belongs to the item, also where its
 * text begins further right (`1. one` with `  - two` under it). CommonMark asks for as many as the mark is wide.
 */

const QUOTE = /^(?: {0,3}> ?)*/;
const ITEM = /^( *(?:\d{1,9}[.)]|[-*+]))( +)(?=\S)/;
const RULE = /^ *([-*_])( *\1){2,} *$/;
const FENCE = /^( *)(`{3,}|~{3,})/;
/** This far behind a mark counts as inside. */
const INSIDE = 2;

interface Item {
  /** The column of its mark, and that of its text. */
  mark: number;
  text: number;
  /** How far it was moved itself. */
  moved: number;
}

/** Returns the text with the same lines, those moved to the right that would fall out of their item. */
export function nested(text: string): string {
  if (!/^[ >]*(\d{1,9}[.)] |[-*+] {2})/m.test(text)) return text;
  let items: Item[] = [];
  let quote = "";
  /** The end of the code that is open, and how far it was moved. */
  let fence: { mark: string; moved: number } | null = null;
  const lines = text.split("\n").map((line) => {
    const prefix = QUOTE.exec(line)?.[0] ?? "";
    const rest = line.slice(prefix.length);
    if (fence !== null) {
      const { moved, mark } = fence;
      if (rest.trim().startsWith(mark) && rest.trim().replaceAll(mark[0]!, "") === "") fence = null;
      return rest === "" ? line : prefix + " ".repeat(moved) + rest;
    }
    if (rest.trim() === "") return line;
    if (prefix.trim() !== quote) items = [];
    quote = prefix.trim();
    const column = rest.search(/[^ ]/);
    while (items.length > 0 && column < items.at(-1)!.mark + INSIDE) items.pop();
    const item = items.at(-1);
    const moved = item === undefined ? 0 : item.moved + Math.max(0, item.text - column);
    const begun = RULE.test(rest) ? null : ITEM.exec(rest);
    if (begun !== null) items.push({ mark: column, text: textColumn(begun), moved });
    const code = FENCE.exec(begun === null ? rest : rest.slice(begun[0].length));
    if (code !== null) fence = { mark: code[2]!, moved };
    return prefix + " ".repeat(moved) + rest;
  });
  return lines.join("\n");
}

/** Behind more than four spaces an item begins with code, one space behind its mark. */
function textColumn([all, mark, gap]: RegExpExecArray): number {
  return gap!.length > 4 ? mark!.length + 1 : all.length;
}
