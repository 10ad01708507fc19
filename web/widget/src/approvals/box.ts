/** The arguments of a call, all of them: what is long scrolls, and nobody says yes before its end was in sight. */
import { make } from "../dom";
import { withSigns } from "../signs";
import type { Words } from "./words";

/** Texts are drawn in pieces of so many characters: one that is longer would be cut. */
const PIECE = 8000;

export class Box {
  readonly element: HTMLElement;
  /** Whether its end was in sight. */
  isSeen = false;
  #list: HTMLElement;
  #below: HTMLElement;
  #observer: ResizeObserver;
  #changed: () => void;

  constructor(values: Readonly<Record<string, unknown>>, words: Words, changed: () => void) {
    this.#changed = changed;
    const lines = Object.entries(values).flatMap(([name, value]) => [
      make("dt", { dir: "auto" }, withSigns(name)),
      make("dd", { dir: "auto" }, ...pieces(withSigns(inWords(value)))),
    ]);
    const list = make("dl", { class: "arguments" }, ...lines);
    this.#list = make("div", { class: "given", tabindex: 0, role: "group", "aria-label": words.given }, list);
    const showAll = () => {
      this.element.classList.add("whole");
      this.#look();
    };
    const more = make("button", { type: "button", class: "button", onclick: showAll }, words.showAll);
    this.#below = make("div", { class: "more", hidden: true }, words.below, " ", more);
    this.element = make("div", { class: "box" }, this.#list, this.#below);
    this.element.hidden = lines.length === 0;
    this.isSeen = lines.length === 0;
    this.#list.addEventListener("scroll", () => this.#look(), { passive: true });
    this.#observer = new ResizeObserver(() => this.#look());
    this.#observer.observe(this.#list);
  }

  close(): void {
    this.#observer.disconnect();
  }

  #look(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    if (this.isSeen || clientHeight === 0) return;
    this.isSeen = scrollHeight - scrollTop - clientHeight <= 2;
    this.#below.hidden = this.isSeen;
    this.#changed();
  }
}

function inWords(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 1);
}

function pieces(text: string): HTMLElement[] {
  const parts = text.match(new RegExp(`[^]{1,${PIECE}}`, "gu")) ?? [""];
  return parts.map((part) => make("span", {}, part));
}
