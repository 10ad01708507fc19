/**
 * Formulas, as models write them: `\(…\)`, `\[…\]`, `$$…$$`, `$…$`. Their source stays whole, whatever Markdown would read in
 * it; the page may name a function that draws them.
 */
import type { MarkdownIt, StateBlock, StateInline } from "markdown-it";

/** Draws a formula's source into an element, as `katex.render` does; what it throws leaves the source there. */
export type DrawFormula = (source: string, into: HTMLElement, options: { displayMode: boolean }) => void;

/** Longer ones within a paragraph are text. */
const MOST_CHARACTERS = 2000;
const COMMAND = /\\[a-z]/i;
const SIGN = /[=^_{}+*/<>|~≤≥≠≈·×÷±∑∫√∞∈→\\-]|^\s*[\p{L}\d][\p{L}\d']{0,2}\s*$/u;
/** A word, unless it is a command's or in braces. */
const WORD = /(?<![\\\p{L}{])\p{L}{3}/u;
const SCRIPT = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;
/** A formula at the beginning of a text, with its marks. Within a paragraph there is no empty line in it, nor another of its kind. */
const BEGINS =
  /^(?:\\\(((?:[^\\]|\\[^(])+?)\\\)|\\\[((?:[^\\]|\\[^[])+?)\\\]|\$\$((?:[^$\\]|\\[^])+?)\$\$|\$((?:[^$\\\n`]|\\.)+?)\$)/;
/** The same and code, anywhere. */
const ANYWHERE =
  /(`+)[^`]{1,2000}\1(?!`)|\\\((?:[^\\]|\\[^(]){1,2000}?\\\)|\\\[(?:[^\\]|\\[^[]){1,2000}?\\\]|\$\$[^$]{1,2000}\$\$|\$[^$\n`]{1,2000}\$/g;
const CLOSES: Record<string, string> = { "\\(": "\\)", "\\[": "\\]", $$: "$$" };
const WITHIN_MARKS = /^(?:\\[([]|\$\$?)\s*([^]*?)\s*(?:(?:\\[)\]]|\$\$?)([.,;:]?))?$/;
const IN_LINE = /^(\$|\\\()$/;
const OPENS_LINE = /^(\\\[|\$\$)(.*)$/;

/** Teaches a parser formulas. */
export function formulas(parser: MarkdownIt): void {
  parser.inline.ruler.before("escape", "formula", inlineFormula);
  parser.block.ruler.before("fence", "formula_block", blockFormula, {
    alt: ["paragraph", "reference", "blockquote", "list"],
  });
  const { escapeHtml } = parser.utils;
  const { rules } = parser.renderer;
  const source = (name: string, content = "") => `<code class="${name}">${escapeHtml(content)}</code>`;
  rules["formula"] = (tokens, at) =>
    source(IN_LINE.test(tokens[at]!.markup) ? "formula" : "formula-block", tokens[at]!.content);
  rules["formula_block"] = (tokens, at) => `<p>${source("formula-block", tokens[at]!.content)}</p>`;
}

/** Returns a line with what is in its code and formulas taken out of the way, at the same length. */
export function withoutFormulas(line: string): string {
  return line.replace(ANYWHERE, (all) => "x".repeat(all.length));
}

/** Returns what would close the formula that a line has opened at its end. */
export function openFormula(line: string): string {
  const rest = line.replace(ANYWHERE, "");
  const begun = Math.max(rest.lastIndexOf("\\("), rest.lastIndexOf("\\["), rest.lastIndexOf("$$"));
  if (begun < 0 || rest[begun - 1] === "\\" || rest.slice(begun + 2).trim() === "") return "";
  return rest[begun] === "$" ? "$$" : rest[begun + 1] === "(" ? "\\)" : "\\]";
}

/** Returns some clean nodes with their formulas drawn, where there is who can. */
export function withFormulas(fragment: DocumentFragment, draw: DrawFormula | null | undefined): DocumentFragment {
  if (!draw) return fragment;
  for (const code of Array.from(fragment.querySelectorAll<HTMLElement>("code[class^=formula]"))) {
    const displayMode = code.className === "formula-block";
    const [, source = "", stop = ""] = WITHIN_MARKS.exec(code.textContent ?? "") ?? [];
    const drawn = document.createElement(displayMode ? "div" : "span");
    drawn.className = code.className;
    try {
      draw(source, drawn, { displayMode });
      drawn.append(stop);
    } catch {
      continue;
    }
    (displayMode && code.parentElement?.childNodes.length === 1 ? code.parentElement : code).replaceWith(drawn);
  }
  return fragment;
}

function inlineFormula(state: StateInline, silent: boolean): boolean {
  const { src, pos, posMax } = state;
  const close = CLOSES[src.slice(pos, pos + 2)] ?? (src[pos] === "$" ? "$" : null);
  const rest = src.slice(pos, Math.min(posMax, pos + MOST_CHARACTERS));
  const found = close !== null && rest.includes(close, 1) && BEGINS.exec(rest);
  if (!found) return false;
  const [all] = found;
  const markup = all.startsWith("$$") || all[0] === "\\" ? all.slice(0, 2) : "$";
  const content = found.slice(1).find((part) => part !== undefined)!;
  if (!isFormula(markup, content, src[pos - 1] ?? " ", src[pos + all.length] ?? " ")) return false;
  if (!silent) {
    const token = state.push("formula", "code", 0);
    token.markup = markup;
    token.content = all;
  }
  state.pos += all.length;
  return true;
}

function isFormula(markup: string, content: string, before: string, after: string): boolean {
  if (markup === "$") {
    const isPrice = /[\p{L}\p{N}$\\]/u.test(before) || /[\p{L}\p{N}$]/u.test(after);
    return (
      !isPrice &&
      !/^\s|\s$|\s\p{L}{2}/u.test(content) &&
      !SCRIPT.test(content) &&
      (COMMAND.test(content) || (SIGN.test(content) && !WORD.test(content)))
    );
  }
  if (!/[\p{L}\p{N}]/u.test(content)) return false;
  if (markup === "$$") return after !== "$";
  if (COMMAND.test(content)) return true;
  // Escaped brackets of a text: behind a name, of a link, of a box that is ticked.
  if (markup === "\\[" && (after === "(" || /^x$/i.test(content))) return false;
  if (markup === "\\[" && /^\s/.test(content) && /\s$/.test(content)) return true;
  return (
    !/[\p{L}\p{N}]/u.test(before) && !/\]\(|^(https?|www)/.test(content) && (SIGN.test(content) || !WORD.test(content))
  );
}

/**
 * A formula on lines of its own. What is opened on a line without anything else goes on until it is closed, as code does;
 * what begins beside the mark goes on to the next empty line at most, and ends no paragraph.
 */
function blockFormula(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  if (state.sCount[startLine]! - state.blkIndent >= 4) return false;
  const [, mark = "", first = ""] = OPENS_LINE.exec(lineOf(state, startLine)) ?? [];
  const isAlone = first.trim() === "";
  // While the line is being written nobody knows what comes on it.
  if (isAlone ? state.eMarks[startLine] === state.src.length : silent || !isBegun(mark, first)) return false;
  const close = CLOSES[mark];
  if (close === undefined) return false;
  let line = startLine;
  let text = first;
  while (
    !text
      .trimEnd()
      .replace(/[.,;:]$/, "")
      .endsWith(close)
  ) {
    if (text.includes(close)) return false;
    line += 1;
    const isOver = line >= endLine || (state.sCount[line]! < state.blkIndent && !state.isEmpty(line));
    if (isOver || (!isAlone && state.isEmpty(line))) break;
    text = lineOf(state, line);
  }
  if (silent) return true;
  const end = Math.min(text.includes(close) ? line + 1 : line, endLine);
  const token = state.push("formula_block", "code", 0);
  token.content = state.getLines(startLine, end, state.blkIndent, false).trim();
  token.map = [startLine, end];
  state.line = end;
  return true;
}

/** Whether what stands beside a mark that opens a line looks like the beginning of a formula. */
function isBegun(mark: string, first: string): boolean {
  if (mark === "$$") return !/^\$/.test(first) && (COMMAND.test(first) || (SIGN.test(first) && !WORD.test(first)));
  return /^\s/.test(first) || COMMAND.test(first);
}

function lineOf(state: StateBlock, line: number): string {
  return state.src.slice(state.bMarks[line]! + state.tShift[line]!, state.eMarks[line]);
}
