/**
 * Shows Markdown while it grows. What is settled is parsed once; only the last, open block is drawn anew, and the parts of
 * it that did not change stay the nodes that they were.
 *
 * Costs are bounded whatever comes. No more than `WINDOW` characters are parsed at once, so a block that is longer goes
 * on as another one. A long text is drawn in portions, between which a page can do other things; they are put into the
 * page a few at a time, because each time costs a layout. An open block that took long rests many times as long before it is
 * drawn anew, so growing costs no more than a share of the time. What comes after `MOST_ELEMENTS` is shown as it was written.
 */
import { make } from "../dom";
import { isWithinPair } from "../bounds";
import { type Block, definitions, parse, type References, toHtml, toPlainHtml } from "./grammar";
import { MOST_ELEMENTS } from "./limits";
import { morph } from "./morph";
import type { Sanitise } from "./sanitise";
import { mend } from "./tail";

const WINDOW = 16_384;
const PORTION_MS = 12;
const SHOW_EVERY_MS = 150;
const STRETCH = 50;
/** The longest head that the parts of a block repeat; else a head of marks alone would leave no room for what follows. */
const MOST_CARRIED = 2048;
/** An open block that is shorter is always drawn at once. */
const SHORT = 4096;
/** How much longer than drawing it an open block rests. */
const REST = 8;

export interface MarkdownOptions {
  sanitise: Sanitise;
  /** Given each piece of HTML before it is shown. */
  decorate: (fragment: DocumentFragment) => void;
  /** Told of each block that will not change any more, except while there is a long text to catch up with. */
  onSettled?: (block: Element) => void;
}

export class MarkdownView {
  readonly element = make("div", { class: "markdown" });
  /** The block that is still being written; null between two. */
  open: Element | null = null;
  #options: MarkdownOptions;
  #text = "";
  #ended = false;
  #hasFailed = false;
  /** How much of the text stands in settled blocks. */
  #settled = 0;
  /** What a block that was cut repeats at its beginning: the head of a table, the fence of code. */
  #carry = "";
  /** The addresses that settled blocks define. */
  #references: References = {};
  /** Whether this is the second drawing, with all addresses known from the start. */
  #knowsReferences = false;
  #openSource: string | null = null;
  /** There is more text than one window. */
  #isBehind = false;
  /** Stretches that are not in the page yet. */
  #waiting = document.createDocumentFragment();
  #shownAt = 0;
  /** Before that the open block is not drawn again. */
  #restsUntil = 0;
  #isResting = false;
  /** How many elements were made. */
  #elements = 0;
  #timer = 0;

  constructor(options: MarkdownOptions) {
    this.#options = options;
  }

  /** Shows the text. It usually begins with the last one; where it does not, everything is drawn anew. */
  update(text: string, ended: boolean): void {
    const lines = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
    if (lines === this.#text && ended === this.#ended) return;
    if (this.#ended || !lines.startsWith(this.#text)) {
      this.#startOver({});
      this.element.replaceChildren();
    }
    this.#text = lines;
    this.#ended = ended;
    this.#knowsReferences = false;
    this.#work();
  }

  /** Ends drawing that is still to come. */
  close(): void {
    clearTimeout(this.#timer);
  }

  #startOver(references: References): void {
    this.#waiting.replaceChildren();
    this.open = null;
    this.#openSource = null;
    this.#settled = 0;
    this.#carry = "";
    this.#elements = this.#restsUntil = 0;
    this.#references = references;
  }

  #work(): void {
    clearTimeout(this.#timer);
    const began = performance.now();
    while (this.#canStep()) {
      if (performance.now() < began + PORTION_MS) continue;
      this.#timer = window.setTimeout(() => this.#work());
      this.element.ariaBusy = "true";
      if (!this.#knowsReferences && began > this.#shownAt + SHOW_EVERY_MS) this.#show(began);
      return;
    }
    this.#show(began);
    if (this.#isResting) this.#timer = window.setTimeout(() => this.#work(), this.#restsUntil - began);
    this.element.ariaBusy = String(this.#isResting);
  }

  #show(now: number): void {
    this.#shownAt = now;
    if (this.#knowsReferences) this.element.replaceChildren();
    if (this.#waiting.hasChildNodes()) this.element.append(this.#waiting);
  }

  /** Whether there is more to draw. Where drawing fails, all of the text is shown as it was written. */
  #canStep(): boolean {
    try {
      if (!this.#hasFailed) return this.#step();
    } catch (error) {
      this.#hasFailed = true;
      reportError(error);
    }
    this.element.replaceChildren(
      make("div", { class: "block", dir: "auto" }, make("p", { class: "plain" }, this.#text)),
    );
    return false;
  }

  /** Draws the next window of the text; returns whether there is more. */
  #step(): boolean {
    const length = WINDOW - this.#carry.length;
    const reachesEnd = this.#settled + length >= this.#text.length;
    const began = performance.now();
    const rest = this.#text.length - this.#settled;
    this.#isResting = reachesEnd && !this.#ended && rest > SHORT && began < this.#restsUntil;
    if (this.#isResting) return false;
    const at = this.#settled + length;
    const source = this.#carry + this.#text.slice(this.#settled, isWithinPair(this.#text, at) ? at - 1 : at);
    if (this.#elements > MOST_ELEMENTS) return this.#settlePlainly(source, reachesEnd);
    const { blocks, references } = parse(source, this.#references);
    if (reachesEnd && this.#ended) {
      this.#settle(blocks, references, source.length);
      return this.#drawAgain();
    }
    const open = blocks.at(-1);
    const openAt = open === undefined ? source.length : offsetOfLine(source, open.line);
    this.#isBehind = !reachesEnd;
    if (blocks.length > 1) this.#settle(blocks.slice(0, -1), references, openAt);
    if (reachesEnd) {
      if (open !== undefined) this.#showOpen(source.slice(openAt), open.kind, references);
      const now = performance.now();
      this.#restsUntil = now + REST * (now - began);
      return false;
    }
    if (blocks.length <= 1) this.#cut(open, source);
    return true;
  }

  /**
   * An answer may define an address at its end and mean it at its beginning; returns whether this one did. What is shown
   * stays until all is drawn again.
   */
  #drawAgain(): boolean {
    if (this.#knowsReferences || Object.keys(this.#references).length === 0) return false;
    this.#startOver(this.#references);
    this.#knowsReferences = true;
    return true;
  }

  /** Settles what there is of a block that fills the whole window. */
  #cut(block: Block | undefined, source: string): void {
    const end = source.lastIndexOf("\n") + 1 || source.lastIndexOf(" ") + 1;
    const at = end > this.#carry.length ? end : source.length;
    const { blocks, references } = parse(source.slice(0, at), this.#references);
    this.#settle(blocks, references, at);
    this.#carry = block === undefined ? "" : carried(block, source);
  }

  /** Shows a part of the text as it was written; the last one when it is whole. Returns whether there is more. */
  #settlePlainly(source: string, reachesEnd: boolean): boolean {
    if (reachesEnd && !this.#ended) return false;
    this.open?.remove();
    this.open = null;
    const fragment = this.#clean(`<div>${toPlainHtml(source.slice(this.#carry.length))}</div>`);
    for (const fresh of Array.from(fragment.children)) this.#put(fresh);
    this.open = null;
    this.#settled += source.length - this.#carry.length;
    this.#carry = "";
    return !reachesEnd;
  }

  /** Shows blocks for good, and counts the source as done up to its offset `end`. */
  #settle(blocks: Block[], references: References, end: number): void {
    for (const name of blocks.flatMap(definitions)) {
      if (references[name] !== undefined) this.#references[name] = references[name];
    }
    const fragment = this.#html(blocks.filter((block) => definitions(block).length === 0));
    this.#elements += fragment.querySelectorAll("*").length;
    for (const fresh of Array.from(fragment.children)) {
      const block = this.#put(fresh);
      this.open = null;
      if (!this.#knowsReferences && !this.#isBehind) this.#options.onSettled?.(block);
    }
    if (this.#ended) this.open?.remove();
    this.#openSource = null;
    this.#settled += end - this.#carry.length;
    this.#carry = "";
  }

  #showOpen(raw: string, kind: string, references: References): void {
    const source = mend(raw, kind);
    if (source === this.#openSource) return;
    this.#openSource = source;
    const fragment = this.#html(parse(source, references).blocks);
    const fresh = make("div", {}, ...Array.from(fragment.children).flatMap((block) => Array.from(block.childNodes)));
    this.open = this.#put(fresh);
  }

  /** Returns clean nodes: one element for each block. */
  #html(blocks: Block[]): DocumentFragment {
    return this.#clean(blocks.map((block) => `<div>${toHtml(block)}</div>`).join(""));
  }

  #clean(html: string): DocumentFragment {
    const fragment = this.#options.sanitise(html);
    this.#options.decorate(fragment);
    return fragment;
  }

  /** Blocks stand together in stretches, so that a browser can pass over those that are out of sight. */
  #lastStretch(): Element {
    const shown = this.#knowsReferences ? null : this.element.lastElementChild;
    const last = this.#waiting.lastElementChild ?? shown;
    if (last !== null && last.childElementCount < STRETCH) return last;
    last?.classList.add("whole");
    const stretch = make("div", { class: "stretch" });
    this.#waiting.append(stretch);
    return stretch;
  }

  /** Puts a block in the place of the open one, or at the end. */
  #put(fresh: Element): Element {
    fresh.className = "block";
    fresh.setAttribute("dir", "auto");
    if (this.open === null) {
      this.#lastStretch().append(fresh);
      return fresh;
    }
    morph(this.open, fresh);
    return this.open;
  }
}

function offsetOfLine(text: string, line: number): number {
  let at = 0;
  for (let passed = 0; passed < line; passed++) at = text.indexOf("\n", at) + 1;
  return at;
}

function carried(block: Block, source: string): string {
  const lines = source.slice(offsetOfLine(source, block.line)).split("\n", 2);
  const head = block.kind === "table_open" ? lines : block.kind === "fence" ? lines.slice(0, 1) : [];
  const text = head.map((line) => `${line}\n`).join("");
  return text.length > MOST_CARRIED ? "" : text;
}
