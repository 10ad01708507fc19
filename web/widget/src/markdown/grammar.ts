/** Markdown as answers use it: GitHub's, without HTML. Tags are shown as they were written, except a line break. */
import MarkdownIt, { type Env, type StateBlock, type StateCore, type StateInline, type Token } from "markdown-it";
import cjkFriendly from "markdown-it-cjk-friendly";
import { thinned } from "../bounds";
import { formulas } from "./formulas";
import { limited } from "./limits";
import { nested } from "./nesting";

export type References = NonNullable<Env["references"]>;

/** A block of the top level: a paragraph, a list, a table. */
export interface Block {
  /** The kind of its first token, as markdown-it names it. */
  kind: string;
  /** The line on which it begins. */
  line: number;
  tokens: Token[];
}

const LINE_BREAK = /^<br\s*\/?>/i;
const ALIGNMENT = /^text-align:(left|right|center)$/;

const MOST_LEVELS = 20;

const parser = new MarkdownIt({ html: false, linkify: true, breaks: true, maxNesting: MOST_LEVELS });
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
parser.use(cjkFriendly).use(formulas);
parser.core.ruler.disable("strip_references");
parser.block.ruler.before("table", "too_deep", asParagraph);
parser.core.ruler.after("inline", "tasks", markTasks);
parser.inline.ruler.before("autolink", "line_break", breakLine);

const rules = parser.renderer.rules;
// One level for all: an answer's headings do not know the page's.
rules.heading_open = (tokens, at) => `<h3 class="depth-${tokens[at]?.tag.slice(1)}">`;
rules.heading_close = () => "</h3>";
rules.fence = (tokens, at) => preformatted(tokens[at]?.content ?? "", tokens[at]?.info ?? "");
rules.code_block = (tokens, at) => preformatted(tokens[at]?.content ?? "", "");
rules.th_open = rules.td_open = (tokens, at) => {
  const cell = tokens[at];
  const align = ALIGNMENT.exec(String(cell?.attrGet("style")))?.[1];
  return align ? `<${cell?.tag} align="${align}">` : `<${cell?.tag}>`;
};

/** Returns the blocks of a text, in order. `references` are the addresses that were defined before it. */
export function parse(text: string, references: References): { blocks: Block[]; references: References } {
  // Without a prototype, or [constructor] would name one.
  const env = { references: Object.assign(Object.create(null) as References, references) };
  const blocks: Block[] = [];
  for (const token of parser.parse(nested(text), env)) {
    if (token.level === 0 && token.nesting >= 0 && token.map !== null) {
      blocks.push({ kind: token.type, line: token.map[0], tokens: [] });
    }
    blocks.at(-1)?.tokens.push(token);
  }
  return { blocks, references: env.references };
}

export function toHtml(block: Block): string {
  return thinned(parser.renderer.render(limited(block.tokens), parser.options, {}));
}

/** Returns a text as it was written, for what comes when there is no room for more elements. */
export function toPlainHtml(text: string): string {
  return thinned(preformatted(text, ""));
}

/** Returns the names of the addresses that a block defines. */
export function definitions(block: Block): string[] {
  return block.tokens
    .filter((token) => token.type === "reference_definition")
    .map((token) => String(token.meta?.["label"]));
}

function preformatted(content: string, info: string): string {
  const language = /^[\w.+#-]{1,40}/.exec(info.trim())?.[0];
  const named = language ? ` class="language-${language}"` : "";
  return `<pre><code${named}>${parser.utils.escapeHtml(content)}</code></pre>`;
}

/** Lists and quotes that are nested deeper are text: the parser would leave them out, and all that follows. */
function asParagraph(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  // A list takes two levels.
  if (silent || state.level < MOST_LEVELS - 2) return false;
  let line = startLine + 1;
  while (line < endLine && !state.isEmpty(line) && state.sCount[line]! >= state.blkIndent) line += 1;
  const map: [number, number] = [startLine, line];
  Object.assign(state.push("paragraph_open", "p", 1), { map });
  const content = state.getLines(startLine, line, state.blkIndent, false).trim();
  Object.assign(state.push("inline", "", 0), { map, content, children: [] });
  state.push("paragraph_close", "p", -1);
  state.line = line;
  return true;
}

function markTasks(state: StateCore): void {
  state.tokens.forEach((token, at) => {
    const first = token.children?.[0];
    if (first?.type !== "text" || state.tokens[at - 2]?.type !== "list_item_open") return;
    first.content = first.content.replace(/^\[ \] /, "☐ ").replace(/^\[[xX]\] /, "☑ ");
  });
}

function breakLine(state: StateInline, silent: boolean): boolean {
  const found = LINE_BREAK.exec(state.src.slice(state.pos, state.pos + 8));
  if (found === null) return false;
  if (!silent) state.push("hardbreak", "br", 0);
  state.pos += found[0].length;
  return true;
}
