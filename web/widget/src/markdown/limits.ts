/**
 * Keeps an answer, and each block of it, from becoming more elements than a page can lay out in a moment. The text stays:
 * past the limits it is only drawn more plainly, except for the cells of a table, which end in `…`.
 */
import type { Token } from "markdown-it";

export const MOST_ELEMENTS = 50_000;

const MOST_COLUMNS = 64;
/** As many as can be written in the part of an answer that is parsed at once; rows that are too short get more made for them. */
const MOST_CELLS = 8192;
/** Links, pictures, code and emphasis of one paragraph, item or cell. */
const MOST_SPANS = 500;

/** Returns a block's tokens within the limits; the same ones where they are. */
export function limited(tokens: Token[]): Token[] {
  const [first] = tokens;
  const drawn = first?.type === "table_open" ? limitedTable(tokens) : tokens;
  for (const token of drawn) {
    const { children } = token;
    if (children !== null && children.filter(isSpan).length > MOST_SPANS) token.children = plainly(children);
  }
  return drawn;
}

function isSpan({ type, nesting }: Token): boolean {
  return nesting === 1 || type === "code_inline" || type === "image";
}

/** Returns the tokens with the first elements only; the others are only their text, links with their address. */
function plainly(tokens: readonly Token[]): Token[] {
  const kept: Token[] = [];
  /** What to do at the end of each that is open: null leaves it as it is. */
  const open: (string | null)[] = [];
  let left = MOST_SPANS;
  for (const token of tokens) {
    const stays = isSpan(token) && left > 0;
    if (stays) left -= 1;
    if (token.nesting === 1) open.push(stays ? null : addressOf(token));
    const end = token.nesting === -1 ? open.pop() : null;
    if (end) kept.push(text(end));
    else if (token.nesting === -1 ? end === null : stays || !isSpan(token)) kept.push(token);
    else if (token.nesting === 0) kept.push(text(token.content));
  }
  return kept;
}

function addressOf(link: Token): string {
  const address = link.type === "link_open" ? link.attrGet("href") : null;
  return address ? ` (${address})` : "";
}

/** Returns a token of which the renderer needs no more than this. */
function text(content: string): Token {
  return { type: "text", tag: "", nesting: 0, content, children: null, attrs: null } as unknown as Token;
}

/** Leaves out what is too much: the first column and the first row of it is `…` in all its cells. */
function limitedTable(tokens: Token[]): Token[] {
  const kept: Token[] = [];
  let column = 0;
  let cells = 0;
  for (const token of tokens) {
    if (token.type === "tr_open") column = 0;
    if (token.type === "th_open" || token.type === "td_open") column += 1;
    const isEnd = token.type === "tbody_close" || token.type === "table_close";
    if (cells > MOST_CELLS && !isEnd) continue;
    if (token.type === "tr_close") {
      cells += column;
      column = 0;
      if (cells > MOST_CELLS) shorten(kept.slice(kept.findLastIndex(({ type }) => type === "tr_open")));
    }
    if (column > MOST_COLUMNS + 1) continue;
    if (column === MOST_COLUMNS + 1) shorten([token]);
    kept.push(token);
  }
  return kept;
}

function shorten(tokens: readonly Token[]): void {
  for (const token of tokens) if (token.type === "inline") token.children = [text("…")];
}
