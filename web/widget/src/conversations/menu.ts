/** What can be done with the conversation that is shown (rename, export, print, delete), and with what is remembered. */
import { thinned } from "../bounds";
import { fill, make } from "../dom";
import type { Frame } from "../frame";
import { ending } from "../keys";
import { load } from "../load";
import type * as MemoriesModule from "../memories";
import { NOT_LOADED } from "../problem";
import { save } from "../saved";
import { printTranscript } from "./print";
import type { Words } from "./words";

declare const MEMORIES_FILE: string;
const STEPS: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

export class ConversationMenu {
  /** Where a new title or a yes is asked for, below the head. */
  readonly question = make("div", { class: "asking", hidden: true });
  #context: Frame;
  #words: Words;
  #button: HTMLElement;
  #menu: HTMLElement;
  #remembered: HTMLElement;
  /** What is about the conversation that is shown. */
  #own: readonly HTMLElement[];
  #memories: ReturnType<typeof MemoriesModule.list> | null = null;
  #shown: string | null = null;

  /** `place` has the button, and gets the menu. */
  constructor(context: Frame, words: Words, place: HTMLElement) {
    const { texts } = context;
    this.#context = context;
    this.#words = words;
    this.#button = place.querySelector("button")!;
    const item = (label: string, act: () => unknown) =>
      make("button", { type: "button", role: "menuitem", tabindex: -1, onclick: () => this.#choose(act) }, label);
    this.#remembered = item(words.remembered, () => void this.#showMemories());
    this.#own = [
      item(words.rename, () => this.#askTitle()),
      item(words.exportIt, () => this.#export()),
      item(words.printIt, () => {
        context.transcript.drawAll();
        printTranscript(context.transcript.element);
      }),
      item(words.remove, () => this.#askRemoval()),
    ];
    this.#menu = make(
      "div",
      { class: "menu", role: "menu", "aria-label": texts.menu, hidden: true },
      this.#remembered,
      ...this.#own,
    );
    place.append(this.#menu);
    place.addEventListener("keydown", (event) => this.#onKey(event));
    place.addEventListener("focusout", ({ relatedTarget }) => {
      if (!place.contains(relatedTarget as Node | null)) this.#show(false);
    });
    this.question.addEventListener(
      "keydown",
      ending(() => this.#leave()),
    );
  }

  /** A question is about the conversation that was shown. */
  update(conversationId: string | null, remembers: boolean): void {
    this.#remembered.hidden = !remembers;
    for (const item of this.#own) item.hidden = conversationId === null;
    if (conversationId !== this.#shown) this.#ask();
    this.#shown = conversationId;
  }

  toggle(): void {
    this.#show(this.#menu.hidden);
  }

  #show(shown: boolean): void {
    this.#menu.hidden = !shown;
    this.#button.setAttribute("aria-expanded", String(shown));
    if (shown) this.#items[0]?.focus();
  }

  get #items(): HTMLElement[] {
    return Array.from(this.#menu.querySelectorAll<HTMLElement>("button:not([hidden])"));
  }

  #choose(act: () => unknown): void {
    this.#button.focus();
    this.#show(false);
    act();
  }

  #onKey(event: KeyboardEvent): void {
    const isOpen = !this.#menu.hidden;
    const step = STEPS[event.key];
    if (isOpen && event.key === "Escape") {
      this.#button.focus();
      this.#show(false);
    } else if (step !== undefined && (isOpen || event.key === "ArrowDown")) {
      if (!isOpen) this.#show(true);
      else this.#move(step);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #move(step: number): void {
    const items = this.#items;
    const at = items.findIndex((item) => item.matches(":focus"));
    const next = Number.isFinite(step) ? (at + step + items.length) % items.length : step < 0 ? 0 : items.length - 1;
    items[next]?.focus();
  }

  #ask(...children: (Node | null)[]): void {
    fill(this.question, ...children);
    this.question.hidden = children.length === 0;
  }

  #leave(): void {
    this.#ask();
    this.#button.focus();
  }

  #askTitle(): void {
    const { texts, chat, client } = this.#context;
    const { conversationId: id, title } = chat.view;
    const input = make("input", { type: "text", maxlength: 200, "aria-label": this.#words.newTitle, dir: "auto" });
    input.value = thinned(title ?? "");
    const save = () => {
      this.#leave();
      const wanted = input.value.trim();
      if (id !== null && wanted !== "" && wanted !== title) this.#try(client.conversations.rename(id, wanted));
    };
    const done = make("button", { type: "button", class: "button primary", onclick: save }, this.#words.save);
    const back = make("button", { type: "button", class: "button", onclick: () => this.#leave() }, texts.cancel);
    this.#ask(make("form", { onkeydown: ending(() => this.#leave(), save) }, input, done, back));
    input.focus();
    input.select();
  }

  #askRemoval(): void {
    const { chat, client } = this.#context;
    const { conversationId: id } = chat.view;
    const remove = () => {
      this.#leave();
      this.#context.focusComposer();
      if (id !== null) this.#try(client.conversations.delete(id));
    };
    const keep = make("button", { type: "button", class: "button", onclick: () => this.#leave() }, this.#words.keep);
    this.#ask(
      make("span", {}, this.#words.removeThis),
      make("button", { type: "button", class: "button danger", onclick: remove }, this.#words.remove),
      keep,
    );
    keep.focus();
  }

  async #showMemories(): Promise<void> {
    const frame = this.#context;
    const made = await load<typeof MemoriesModule>(MEMORIES_FILE);
    if (!frame.element.isConnected) return;
    if (made) frame.show((this.#memories ??= made.list(frame)));
    else frame.report(NOT_LOADED);
  }

  #export(): void {
    const { chat, client } = this.#context;
    const { conversationId: id, title } = chat.view;
    if (id !== null) this.#try(client.conversations.export(id).then((file) => save(file, nameOf(title ?? ""))));
  }

  #try(done: Promise<unknown>): void {
    done.catch((error: unknown) => this.#context.report(error));
  }
}

/** Returns a name that every file system takes. */
function nameOf(title: string): string {
  const words = title.match(/[\p{L}\p{M}\p{N}]+/gu)?.join("-") ?? "";
  return `${Array.from(words).slice(0, 60).join("") || "conversation"}.json`;
}
