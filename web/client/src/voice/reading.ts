/** An answer as one would read it out: what is Markdown is heard, not spelled, and what is for the eye alone is only named. */
import { languageOf } from "./language";
import { breaths, sentences } from "./sentences";

/** What is said in the place of what is not read out. */
export interface SpokenWords {
  code: string;
  /** Of a table, with the names of its columns; an empty text where it has none. */
  table: (columns: string) => string;
  picture: (alt: string) => string;
  formula: string;
  /** Of an address that stands there as it is. */
  link: (host: string) => string;
}

export const SPOKEN: SpokenWords = {
  code: "Here is code, which you can read in the text.",
  table: (columns) => (columns ? `Here is a table of ${columns}.` : "Here is a table."),
  picture: (alt) => (alt ? `Picture: ${alt}.` : "Here is a picture."),
  formula: "Here is a formula.",
  link: (host) => host,
};

/** Something to be said in one go, and in which language. */
export interface Utterance {
  readonly text: string;
  readonly language: string;
}

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const DELIMITERS = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const ROW = /^\s*\|/;
const ITEM = /^\s*(?:[-*+•]|(\d{1,9})[.)])\s+(?:\[[ xX]\]\s+)?/;
const HEADING = /^ {0,3}#{1,6}\s+/;
const RULE = /^ {0,3}([-*_])\s*(?:\1\s*){2,}$/;
const DEFINITION = /^ {0,3}\[[^\]]+\]:\s/;
const EMOJI =
  /(?:[\p{Extended_Pictographic}\p{Regional_Indicator}][\u{1f3fb}-\u{1f3ff}\ufe0f\u200d\u20e3\u{e0020}-\u{e007f}]*)+|[\d#*]\ufe0f?\u20e3|\ufe0f/gu;
const ENTITIES: Record<string, string> = { nbsp: " ", amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
/** A bracket that is not closed for so long closes nothing. */
const OPEN_CHARACTERS = 400;

/** Reads a text that grows. What it gave once it does not take back. */
export class Reading {
  #words: SpokenWords;
  #usual: string;
  /** How much of the source was taken, in whole lines. */
  #at = 0;
  /** The lines of a paragraph that is not over. */
  #paragraph = "";
  /** How many sentences of it were given. */
  #given = 0;
  #inside: "text" | "code" | "table" | "formula" = "text";
  #fence = "";
  /** A row that may be the first one of a table. */
  #row: string | null = null;
  #language: string | null = null;
  #out: Utterance[] = [];

  /** `usual`: the language of what does not tell its own. */
  constructor(usual: string, words: SpokenWords = SPOKEN) {
    this.#usual = usual;
    this.#words = words;
  }

  /** Returns what can be said now and was not given before. `isWhole`: nothing more comes. */
  read(source: string, isWhole: boolean): Utterance[] {
    this.#out = [];
    for (let end; (end = source.indexOf("\n", this.#at)) >= 0; this.#at = end + 1)
      this.#take(source.slice(this.#at, end));
    const rest = source.slice(this.#at);
    if (isWhole) {
      this.#at = source.length;
      this.#take(rest);
      this.#endTable();
      this.#endParagraph();
    } else if (this.#inside === "text" && this.#row === null && isPlain(rest)) {
      if (ITEM.test(rest) && this.#paragraph) this.#endParagraph();
      this.#goOn(this.#paragraph + rest);
    }
    return this.#out;
  }

  #take(line: string): void {
    const text = line.replace(/\r$/, "").replace(/^(?: {0,3}> ?)+/, "");
    if (this.#inside === "code") {
      if (text.trim().startsWith(this.#fence) && !text.trim().replaceAll(this.#fence[0]!, "")) this.#inside = "text";
      return;
    }
    if (this.#inside === "formula") {
      if (/(\$\$|\\\])\s*$/.test(text)) this.#inside = "text";
      return;
    }
    const fence = FENCE.exec(text);
    if (fence) {
      this.#endTable();
      this.#endParagraph();
      this.#inside = "code";
      this.#fence = fence[1]!;
      return this.#say(this.#words.code);
    }
    if (this.#row !== null || ROW.test(text) || (text.includes("|") && DELIMITERS.test(text))) {
      if (this.#takeRow(text)) return;
    }
    this.#takeText(text);
  }

  /** Returns whether a line belongs to a table. */
  #takeRow(text: string): boolean {
    if (this.#inside === "table") {
      if (text.includes("|")) return true;
      this.#inside = "text";
      this.#row = null;
      return false;
    }
    if (this.#row === null) {
      if (DELIMITERS.test(text)) {
        // The line before was its head, and seemed to be the end of a paragraph.
        const head = /[^\n]*\n?$/.exec(this.#paragraph)?.[0] ?? "";
        this.#paragraph = this.#paragraph.slice(0, this.#paragraph.length - head.length);
        this.#endParagraph();
        this.#sayTable(head);
        return true;
      }
      this.#endParagraph();
      this.#row = text;
      return true;
    }
    this.#sayTable(DELIMITERS.test(text) ? this.#row : "");
    return text.includes("|");
  }

  #sayTable(head: string): void {
    const columns = head
      .replace(/^\s*\||\|\s*$/g, "")
      .split(/(?<!\\)\|/)
      .map((cell) => this.#plain(cell).trim())
      .filter(Boolean);
    this.#inside = "table";
    this.#row = "";
    this.#say(this.#words.table(columns.join(", ")));
  }

  #endTable(): void {
    if (this.#row !== null && this.#inside !== "table") this.#sayTable("");
    this.#row = null;
    if (this.#inside === "table") this.#inside = "text";
  }

  #takeText(text: string): void {
    if (/^\s*(\$\$|\\\[)/.test(text)) {
      this.#endParagraph();
      this.#say(this.#words.formula);
      if (!/\S.*(\$\$|\\\])\s*$/.test(text.replace(/^\s*(\$\$|\\\[)/, ""))) this.#inside = "formula";
      return;
    }
    const isBreak = !text.trim() || RULE.test(text) || DEFINITION.test(text) || /^\s*(=+|-+)\s*$/.test(text);
    const isBlock = HEADING.test(text) || ITEM.test(text);
    // Of a line that was read while it grew some may be given already.
    if (isBreak || (isBlock && this.#paragraph)) this.#endParagraph();
    if (isBreak) return;
    this.#paragraph += `${text}\n`;
    if (HEADING.test(text)) this.#endParagraph();
    else this.#goOn(this.#paragraph);
  }

  /** Gives the sentences of a paragraph that are followed by others. */
  #goOn(source: string): void {
    const all = this.#sentences(closedPart(source));
    // Where a sentence ends is certain once a letter stands behind it: `$10. (about` goes on, `$10. (About` does not.
    this.#give(all.slice(0, /\p{L}/u.test(all.at(-1) ?? "") ? -1 : -2));
  }

  #endParagraph(): void {
    this.#give(this.#sentences(this.#paragraph));
    this.#paragraph = "";
    this.#given = 0;
    this.#language = null;
  }

  #give(all: readonly string[]): void {
    for (const sentence of all.slice(this.#given)) this.#say(sentence);
    this.#given = Math.max(this.#given, all.length);
  }

  #sentences(source: string): string[] {
    const text = this.#plain(
      source.replace(HEADING, "").replace(ITEM, (_, number?: string) => (number ? `${number}. ` : "")),
    );
    return sentences(text.replace(/\s+/g, " "), this.#language ?? languageOf(text, this.#usual));
  }

  #say(sentence: string): void {
    if (!/[\p{L}\p{N}]/u.test(sentence)) return;
    // A sentence may be too short to tell; then it is in the language of what stood before it.
    this.#language = languageOf(sentence, this.#language ?? this.#usual);
    for (const text of breaths(sentence)) this.#out.push({ text, language: this.#language });
  }

  /** Returns a text without its marks. It is the same for the beginning of a text as for that of the whole. */
  #plain(text: string): string {
    const { picture, link, formula } = this.#words;
    return text
      .replace(/!\[([^\]]*)\]\((?:[^()]|\([^()]*\))*\)/g, (_, alt: string) => picture(alt.trim()))
      .replace(/\[([^\]]*)\](?:\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\])/g, "$1")
      .replace(/\[\^?\d+\]/g, "")
      .replace(/\$\$[^$]+\$\$/g, formula)
      .replace(/<\/?(?!https?:)[a-z][^>]*>|<!--.*?-->/gi, " ")
      .replace(
        /<?(?<![\p{L}\p{N}])(?:https?:\/\/|www\.)([^\s/?#<>"'`)\]]+)[^\s<>"'`]*?(?=[.,;:!?)\]*_]*(?:[\s>]|$))>?/giu,
        (_, host: string) => link(host.replace(/^www\./, "")),
      )
      .replace(/&(nbsp|amp|lt|gt|quot|#39);/g, (_, name: string) => ENTITIES[name]!)
      .replace(/\\([\\`*_{}[\]()#+\-.!|~>])/g, "$1")
      .replace(/`+|~~/g, "")
      .replace(/(^|[\s\p{P}])[*_]{1,3}(?=\S)/gu, "$1")
      .replace(/(\S)[*_]{1,3}(?=$|[\s\p{P}])/gu, "$1")
      .replace(/\*{2,3}/g, "")
      .replace(EMOJI, " ")
      .replace(/\s+([.,;:!?])/g, "$1");
  }
}

/** Whether a line that is not over can be read already: it is none of what is only named. */
function isPlain(line: string): boolean {
  return !/^\s*(?:$|[|`~$>#\\=]|[-*_+]\s*$|[-*_]{2}|\[[^\]]*\]?:?$|\d+[.)]?\s*$)/.test(line) && !line.includes("|");
}

/** Returns the part of a text that nothing that follows can change: without a link, a tag or code that is still open. */
function closedPart(text: string): string {
  const open =
    /(?:!?\[[^\]]*(?:\](?:\((?:[^()]|\([^()]*\))*(?:\([^()]*)?)?)?|<[a-z/!][^>]*|`[^`]*|\$\$[^$]*|&[a-z#\d]{0,5}|\\)$/i.exec(
      text,
    );
  if (!open || text.length - open.index > OPEN_CHARACTERS || !isOpen(open[0], text.slice(0, open.index))) return text;
  return text.slice(0, open.index);
}

function isOpen(part: string, before: string): boolean {
  // A second backtick closes what the first one opened.
  return part[0] !== "`" || (before.match(/`/g)?.length ?? 0) % 2 === 0;
}

/** Returns all that is to be said of a whole text. */
export function spoken(source: string, language = "en", words: SpokenWords = SPOKEN): Utterance[] {
  return new Reading(language, words).read(source, true);
}
