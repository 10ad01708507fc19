/** The list of the user's conversations: search, open, rename, delete. Asked anew each time it is shown. */
import type { ConversationView } from "@frontdesk/client";
import { label, thinned } from "../bounds";
import type { WidgetContext } from "../context";
import { fill, make } from "../dom";
import { daysAgo, formatDay, formatMoment } from "../format";
import { icon } from "../icons";
import { back, search, trash } from "../pictures";
import { tool } from "../button";
import { asErrorView, problemText } from "../problem";
import { ending } from "../keys";
import { once } from "../offers";
import { isTouch } from "../visible";
import type { Words } from "./words";

const PAGE = 20;
const TYPING_PAUSE_MS = 200;

export class ConversationList {
  declare readonly element: HTMLElement;
  #context: WidgetContext;
  #words: Words;
  #search: HTMLInputElement;
  #problem = make("div", { class: "notice error", hidden: true });
  #list = make("div", { class: "list" });
  #current: string | null = null;
  #cursor: string | null = null;
  #timer = 0;
  /** Counts the questions, so that an answer that was overtaken is not shown. */
  #asked = 0;

  constructor(context: WidgetContext, words: Words, close: () => void) {
    const { texts } = context;
    this.#context = context;
    this.#words = words;
    this.#search = make("input", {
      type: "search",
      placeholder: words.search,
      "aria-label": words.search,
      autocomplete: "off",
      oninput: () => this.#searchSoon(),
    });
    const startNew = () => {
      context.chat.startNew();
      close();
      context.focusComposer();
    };
    this.element = make(
      "section",
      { class: "conversations", "aria-label": texts.conversations, tabindex: -1 },
      make(
        "div",
        { class: "head" },
        tool(back(), words.back, close),
        make("h2", {}, texts.conversations),
        tool("plus", texts.newConversation, startNew),
      ),
      make("div", { class: "search" }, search(), this.#search),
      this.#problem,
      this.#list,
    );
    this.#close = close;
  }

  #close: () => void;

  /** Asks for the list. */
  async load(): Promise<void> {
    const asked = ++this.#asked;
    const q = this.#search.value.trim();
    try {
      const page = await this.#context.client.conversations.list({ limit: PAGE, ...(q === "" ? {} : { q }) });
      if (asked !== this.#asked) return;
      this.#cursor = page.nextCursor;
      this.#draw(page.items);
      this.#announce(page.items.length, q);
      this.#forget();
    } catch (error) {
      if (asked === this.#asked) this.#report(error, () => void this.load());
    }
  }

  focus(): void {
    if (isTouch()) this.element.focus();
    else this.#search.focus();
  }

  /** Marks the conversation that is shown. */
  mark(conversationId: string | null): void {
    this.#current = conversationId;
    for (const row of Array.from(this.#list.querySelectorAll("li"))) this.#markRow(row);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#asked++;
  }

  #searchSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.load(), TYPING_PAUSE_MS);
  }

  #announce(found: number, q: string): void {
    if (q !== "" && found === 0) this.#context.narrator.live.say(this.#words.nothingFound);
  }

  #draw(items: readonly ConversationView[]): void {
    const none = this.#search.value.trim() === "" ? this.#words.noConversations : this.#words.nothingFound;
    fill(this.#list);
    this.#add(items);
    if (items.length === 0) this.#list.append(make("ul", {}, make("li", { class: "empty" }, none)));
    const more = this.#moreRow();
    if (more !== null) this.#list.lastElementChild?.append(more);
  }

  /** Adds rows, under the day to which they belong, and returns them. */
  #add(items: readonly ConversationView[]): HTMLElement[] {
    return items.map((conversation) => {
      const row = this.#row(conversation);
      const name = this.#dayOf(conversation);
      if (this.#list.lastElementChild?.ariaLabel !== name) {
        this.#list.append(make("h3", {}, name), make("ul", { "aria-label": name }));
      }
      this.#list.lastElementChild!.append(row);
      return row;
    });
  }

  #dayOf({ updatedAt }: ConversationView): string {
    const { texts } = this.#context;
    return daysAgo(updatedAt) < 2 ? formatDay(updatedAt, texts) : this.#words.earlier;
  }

  #moreRow(): HTMLElement | null {
    const cursor = this.#cursor;
    if (cursor === null) return null;
    const row = make("li");
    row.append(
      make(
        "button",
        { type: "button", class: "button more", onclick: () => this.#more(row, cursor) },
        this.#words.more,
      ),
    );
    return row;
  }

  async #more(row: HTMLElement, cursor: string): Promise<void> {
    const asked = this.#asked;
    const q = this.#search.value.trim();
    try {
      const page = await this.#context.client.conversations.list({ limit: PAGE, cursor, ...(q === "" ? {} : { q }) });
      if (asked !== this.#asked) return;
      row.remove();
      this.#cursor = page.nextCursor;
      const rows = this.#add(page.items);
      const more = this.#moreRow();
      if (more !== null) this.#list.lastElementChild?.append(more);
      rows[0]?.querySelector("button")?.focus();
      this.#forget();
    } catch (error) {
      if (asked === this.#asked) this.#report(error);
    }
  }

  #row(conversation: ConversationView): HTMLElement {
    const row = make("li", { "data-id": conversation.id });
    this.#showRow(row, conversation);
    return row;
  }

  #showRow(row: HTMLElement, conversation: ConversationView): void {
    const { texts, chat } = this.#context;
    const title = label(conversation.title || this.#words.untitled);
    const open = () => {
      this.#close();
      void chat.open(conversation.id);
      this.#context.focusComposer();
    };
    fill(
      row,
      make(
        "button",
        { type: "button", class: "open", onclick: open },
        make("b", { dir: "auto" }, title),
        make("span", {}, formatMoment(conversation.updatedAt, texts)),
      ),
      tool("pencil", `${this.#words.rename}: ${title}`, () => this.#askTitle(row, conversation)),
      tool(trash(), `${this.#words.remove}: ${title}`, () => this.#askRemoval(row, conversation)),
    );
    this.#markRow(row);
  }

  #markRow(row: Element): void {
    const current = this.#current !== null && row.getAttribute("data-id") === this.#current;
    row.classList.toggle("current", current);
    row.querySelector(".open")?.setAttribute("aria-current", String(current));
  }

  #askTitle(row: HTMLElement, conversation: ConversationView): void {
    const { texts } = this.#context;
    const input = make("input", { type: "text", maxlength: 200, "aria-label": this.#words.newTitle, dir: "auto" });
    input.value = thinned(conversation.title);
    const leave = () => this.#restore(row, conversation);
    const save = () => void this.#rename(row, conversation, input.value.trim());
    const form = make(
      "form",
      { onkeydown: ending(leave, save) },
      input,
      make("button", { type: "button", class: "button primary", onclick: save }, this.#words.save),
      make("button", { type: "button", class: "button", onclick: leave }, texts.cancel),
    );
    fill(row, form);
    input.focus();
    input.select();
  }

  async #rename(row: HTMLElement, conversation: ConversationView, title: string): Promise<void> {
    if (title === "" || title === conversation.title) return this.#restore(row, conversation);
    try {
      this.#restore(row, await this.#context.client.conversations.rename(conversation.id, title));
      this.#forget();
    } catch (error) {
      this.#report(error);
    }
  }

  #askRemoval(row: HTMLElement, conversation: ConversationView): void {
    const leave = () => this.#restore(row, conversation);
    const keep = make("button", { type: "button", class: "button", onclick: leave }, this.#words.keep);
    const remove = once(() => this.#remove(row, conversation));
    const sure = make(
      "div",
      { class: "sure", role: "group", "aria-label": this.#words.removeThis, onkeydown: ending(leave) },
      make("span", {}, this.#words.removeThis),
      make("button", { type: "button", class: "button danger", onclick: remove }, this.#words.remove),
      keep,
    );
    fill(row, sure);
    keep.focus();
  }

  async #remove(row: HTMLElement, conversation: ConversationView): Promise<void> {
    try {
      await this.#context.client.conversations.delete(conversation.id);
      const group = row.parentElement;
      row.remove();
      this.focus();
      if (group?.childElementCount === 0) {
        group.previousElementSibling?.remove();
        group.remove();
      }
      if (this.#list.childElementCount === 0) this.#draw([]);
      this.#forget();
    } catch (error) {
      this.#restore(row, conversation);
      this.#report(error);
    }
  }

  /** Says what went wrong in the list itself: it may cover all else, and its user looks there. */
  #report(error: unknown, retry: (() => void) | null = null): void {
    const { texts, narrator } = this.#context;
    const text = problemText(asErrorView(error), texts);
    const again = retry && make("button", { type: "button", class: "button", onclick: retry }, texts.retry);
    fill(this.#problem, icon("warning"), make("p", {}, text), again);
    this.#problem.hidden = false;
    narrator.urgent.say(text);
  }

  /** Something went well: what went wrong before is no news any more. */
  #forget(): void {
    if (this.#problem.matches(":focus-within")) this.focus();
    this.#problem.hidden = true;
  }

  #restore(row: HTMLElement, conversation: ConversationView): void {
    this.#showRow(row, conversation);
    row.querySelector<HTMLElement>(".open")?.focus();
  }
}
