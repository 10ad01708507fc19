/** All that is remembered of the user: change it where it stands, forget one, forget all. Asked anew each time it is shown. */
import { type MemoryView, openMemories } from "@frontdesk/client/memories";
import { bounded, label, thinned } from "../bounds";
import { tool } from "../button";
import type { WidgetContext } from "../context";
import { fill, make } from "../dom";
import { formatMoment } from "../format";
import { icon } from "../icons";
import { ending } from "../keys";
import { once } from "../offers";
import { back, trash } from "../pictures";
import { asErrorView, problemText } from "../problem";
import { withSigns } from "../signs";
import type { Words } from "./words";

/** The server's bound of any fact. */
const MOST_CHARACTERS = 2000;

export class MemoryList {
  readonly element: HTMLElement;
  #context: WidgetContext;
  #words: Words;
  #memories;
  #problem = make("div", { class: "notice error", hidden: true });
  #list = make("ul");
  #more = make("div", { class: "foot" });
  #all = make("div", { class: "foot" });
  #items: readonly MemoryView[] = [];
  #cursor: string | null = null;
  /** Counts the questions, so that an answer that was overtaken is not shown. */
  #asked = 0;

  constructor(context: WidgetContext, words: Words, close: () => void) {
    this.#context = context;
    this.#words = words;
    this.#memories = openMemories(context.options.access);
    this.element = make(
      "section",
      { class: "conversations memories", "aria-label": words.title, tabindex: -1 },
      make("div", { class: "head" }, tool(back(), words.back, close), make("h2", {}, words.title)),
      this.#problem,
      make("div", { class: "list" }, make("p", { class: "about" }, words.about), this.#list, this.#more, this.#all),
    );
  }

  /** Asks for the newest, unless one of them is being changed, or is about to be forgotten. */
  async load(): Promise<void> {
    if (!this.element.querySelector("form, .sure")) await this.#askAnew();
  }

  async #askAnew(): Promise<void> {
    await this.#ask(undefined, () => void this.#askAnew());
  }

  focus(): void {
    this.element.focus();
  }

  close(): void {
    this.#asked++;
  }

  async #ask(cursor: string | undefined, retry: () => void): Promise<void> {
    const asked = ++this.#asked;
    try {
      const page = await this.#memories.list(cursor ? { cursor } : {});
      if (asked !== this.#asked) return;
      this.#cursor = page.nextCursor;
      this.#show(cursor ? [...this.#items, ...page.items] : page.items);
      if (page.items.length === 0) this.#context.narrator.live.say(this.#words.none);
    } catch (error) {
      if (asked === this.#asked) this.#report(error, retry);
    }
  }

  /** Draws all of it; where the focus was on a row that is gone, it is on the list then. */
  #show(items: readonly MemoryView[]): void {
    const hadFocus = this.element.matches(":focus-within");
    this.#items = items;
    this.#problem.hidden = true;
    const none = make("li", { class: "empty" }, this.#words.none);
    fill(this.#list, ...(items.length > 0 ? items.map((item) => this.#row(item)) : [none]));
    const more = () => void this.#ask(this.#cursor!, more);
    fill(this.#more, this.#cursor === null ? null : button(this.#words.more, more));
    fill(this.#all, items.some(isOwn) ? this.#allButton() : null);
    if (hadFocus && !this.element.matches(":focus-within")) this.focus();
  }

  #row(memory: MemoryView): HTMLElement {
    const row = make("li");
    this.#showRow(row, memory);
    return row;
  }

  #showRow(row: HTMLElement, memory: MemoryView): void {
    const { texts } = this.#context;
    const words = this.#words;
    const short = label(withSigns(memory.text));
    const about = [memory.scope === "tenant" ? words.shared : "", formatMoment(memory.updatedAt, texts)];
    fill(
      row,
      make(
        "div",
        { class: "fact" },
        make("p", { dir: "auto" }, withSigns(memory.text)),
        make("span", {}, about.filter(Boolean).join(" · ")),
      ),
      memory.canEdit ? tool("pencil", `${words.edit}: ${short}`, () => this.#edit(row, memory)) : null,
      memory.canEdit ? tool(trash(), `${words.forget}: ${short}`, () => this.#askToForget(row, memory)) : null,
    );
  }

  #edit(row: HTMLElement, memory: MemoryView): void {
    const area = make("textarea", { rows: 2, maxlength: MOST_CHARACTERS, "aria-label": this.#words.fact, dir: "auto" });
    area.value = thinned(memory.text);
    const leave = () => this.#restore(row, memory);
    const save = () => void this.#change(row, memory, area.value.replace(/\s+/g, " ").trim());
    const done = button(this.#words.save, save);
    done.classList.add("primary");
    // A fact is one line: Enter ends it.
    const onkeydown = ending(leave, save);
    fill(row, make("form", { onkeydown }, area, done, button(this.#context.texts.cancel, leave)));
    area.focus();
    area.select();
  }

  async #change(row: HTMLElement, memory: MemoryView, text: string): Promise<void> {
    if (text === "" || text === memory.text) return this.#restore(row, memory);
    try {
      const changed = await this.#memories.change(memory.id, text);
      this.#items = this.#items.map((one) => (one.id === memory.id ? changed : one));
      this.#problem.hidden = true;
      this.#restore(row, changed);
      this.#context.narrator.live.say(this.#words.saved);
    } catch (error) {
      this.#report(error);
    }
  }

  #askToForget(row: HTMLElement, memory: MemoryView): void {
    const leave = () => this.#restore(row, memory);
    fill(
      row,
      this.#sure(this.#words.forgetThis, this.#words.forget, () => void this.#forget(row, memory), leave),
    );
    row.querySelector<HTMLElement>(".keep")?.focus();
  }

  async #forget(row: HTMLElement, memory: MemoryView): Promise<void> {
    try {
      await this.#memories.delete(memory.id);
      const next = row.nextElementSibling ?? row.previousElementSibling;
      this.#items = this.#items.filter((one) => one.id !== memory.id);
      if (next === null || !this.#items.some(isOwn)) this.#show(this.#items);
      else row.remove();
      (next?.querySelector("button") ?? this.element).focus();
      this.#problem.hidden = true;
      this.#context.narrator.live.say(this.#words.forgotten);
    } catch (error) {
      this.#restore(row, memory);
      this.#report(error);
    }
  }

  #allButton(): HTMLElement {
    const made = button(this.#words.forgetAll, () => this.#askToForgetAll());
    made.classList.add("danger");
    return made;
  }

  #askToForgetAll(): void {
    const leave = () => {
      fill(this.#all, this.#allButton());
      this.#all.querySelector("button")?.focus();
    };
    const words = this.#words;
    fill(
      this.#all,
      this.#sure(words.forgetEvery, words.forgetAll, () => void this.#forgetAll(leave), leave),
    );
    this.#all.querySelector<HTMLElement>(".keep")?.focus();
  }

  async #forgetAll(leave: () => void): Promise<void> {
    try {
      await this.#memories.deleteAll();
      this.#context.narrator.live.say(this.#words.forgotten);
      this.focus();
      await this.#askAnew();
    } catch (error) {
      leave();
      this.#report(error);
    }
  }

  #sure(question: string, yes: string, act: () => void, leave: () => void): HTMLElement {
    const keep = button(this.#words.keep, leave);
    keep.classList.add("keep");
    const done = make("button", { type: "button", class: "button danger", onclick: once(act) }, yes);
    const properties = { class: "sure", role: "group", "aria-label": question, onkeydown: ending(leave) };
    return make("div", properties, make("span", {}, question), done, keep);
  }

  /** Says what went wrong in the list itself, where its user looks. */
  #report(error: unknown, retry: (() => void) | null = null): void {
    const { texts, narrator } = this.#context;
    const text = problemText(asErrorView(error), texts);
    fill(this.#problem, icon("warning"), make("p", {}, bounded(text)), retry && button(texts.retry, retry));
    this.#problem.hidden = false;
    narrator.urgent.say(text);
  }

  #restore(row: HTMLElement, memory: MemoryView): void {
    this.#showRow(row, memory);
    row.querySelector("button")?.focus();
  }
}

function button(text: string, onclick: () => void): HTMLButtonElement {
  return make("button", { type: "button", class: "button", onclick }, text);
}

function isOwn({ scope }: MemoryView): boolean {
  return scope === "user";
}
