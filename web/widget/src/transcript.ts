/** The messages in their order, what may be said next, and a scroll position that belongs to the reader. */
import type { Assistant, ChatView, MessageView } from "@frontdesk/client";
import { isBlank } from "./bounds";
import type { WidgetContext } from "./context";
import { fill, make, setText } from "./dom";
import { drawEach } from "./guard";
import { formatDay } from "./format";
import type * as Made from "./history";
import { icon } from "./icons";
import { load } from "./load";
import { AnswerItem, type Item, showCopied, UserItem } from "./message";
import { askButton, Suggestions } from "./suggestions";

declare const HISTORY_FILE: string;

/** This close to the end counts as the end. */
const NEAR_PX = 4;
/** What is left above a question at the top. */
const GAP_PX = 16;
/** Messages are made for so long at once; then the page may do other things. */
const PORTION_MS = 40;
/** So many are always made at once: more than a view shows. */
const AT_ONCE = 20;
/** Of a question that is longer than this part of the view only the end stands there. */
const LONG = 0.4;

export class Transcript {
  declare readonly element: HTMLElement;
  #context: WidgetContext;
  #scroller: HTMLElement;
  #content = make("div", { class: "content" });
  #list: HTMLElement;
  #items = new Map<string, Item>();
  #drawn = new Map<string, { message: MessageView; place: string }>();
  /** How many of the oldest messages are not made yet: of many, the newest come first. */
  #left = 0;
  #timer = 0;
  /** By message: its day, and the line above it. */
  #days = new Map<string, { day: string; rule: HTMLElement | null }>();
  /** The line under what models read as a summary; loaded where there is one. */
  #fold: HTMLElement | null = null;
  #welcome: Welcome;
  #typing = make("div", { class: "typing", "aria-hidden": "true" }, make("i"), make("i"), make("i"));
  #skeleton = skeleton();
  #suggestions: Suggestions;
  #jump: HTMLButtonElement;
  /** Where the reader is: at the end, as it grows; at the last question; or where they went themselves. */
  #place: "end" | "question" | "reader" = "end";
  #question: HTMLElement | null = null;
  /** Empty: under an answer that does not fill the view yet. */
  #room = make("div", { class: "room", "aria-hidden": "true" });
  #top = 0;
  #before: ChatView | null = null;
  #observer: ResizeObserver;

  constructor(context: WidgetContext) {
    const { texts } = context;
    this.#context = context;
    this.#welcome = new Welcome(context);
    this.#list = make("ol", { class: "messages", role: "list", "aria-label": texts.messages });
    this.#suggestions = new Suggestions(context);
    this.#jump = make(
      "button",
      { type: "button", class: "button jump", hidden: true, onclick: () => this.#jumpToEnd() },
      icon("arrowDown"),
      texts.jumpToLatest,
    );
    this.#scroller = make(
      "div",
      { class: "scroller", role: "group", tabindex: 0, "aria-label": texts.messages },
      this.#content,
      this.#room,
    );
    this.#scroller.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    this.#scroller.addEventListener("click", (event) => this.#onClick(event));
    this.element = make("div", { class: "transcript" }, this.#scroller, this.#jump);
    this.#observer = new ResizeObserver(() => this.#follow());
    this.#observer.observe(this.#content);
    this.#observer.observe(this.#scroller);
    window.addEventListener("beforeprint", this.drawAll);
  }

  update(view: ChatView, assistant: Assistant | null): void {
    const loading = view.phase === "loading";
    const empty = view.messages.length === 0 && !loading;
    if (view.summary && !this.#fold) void this.#loadFold();
    this.#drawMessages(view);
    // A place that was chosen in the welcome is none in what follows it, and the other way round.
    if (empty !== this.#welcome.element.isConnected && (empty || this.#place === "reader")) this.#place = "end";
    if (empty) this.#welcome.update(assistant);
    this.#suggestions.update(view, assistant);
    fill(
      this.#content,
      empty ? this.#welcome.element : null,
      loading && view.messages.length === 0 ? this.#skeleton : null,
      this.#list,
      isWaiting(view) ? this.#typing : null,
      this.#context.lanes?.element,
      this.#suggestions.element,
    );
    this.#before = view;
    if (this.#question !== null && !this.#list.contains(this.#question)) this.#leaveQuestion(view);
    this.#follow();
  }

  /** Goes to the end, and stays there while it grows. */
  #toEnd(): void {
    this.#place = "end";
    this.#follow();
  }

  /** Puts the newest question at the top: the answer grows under it, and nobody is dragged along. */
  toQuestion(): void {
    this.#question = Array.from(this.#list.querySelectorAll<HTMLElement>(".message.user")).at(-1) ?? null;
    this.#place = "question";
    this.#follow();
  }

  focus(): void {
    this.#scroller.focus({ preventScroll: true });
  }

  close(): void {
    [this.#before, this.#left] = [null, 0]; // what is still being loaded draws nothing any more
    clearTimeout(this.#timer);
    window.removeEventListener("beforeprint", this.drawAll);
    this.#observer.disconnect();
    for (const item of this.#items.values()) item.close();
  }

  /** It was edited or answered anew, and stands there as another element; or another conversation is shown. */
  #leaveQuestion(view: ChatView): void {
    this.#question = null;
    if (view.phase === "idle" || view.phase === "loading") this.#place = "end";
    else this.toQuestion();
  }

  /** Draws the messages, and where none is there yet, or `goesOn`, one more portion of those that are not made. */
  #drawMessages(view: ChatView, goesOn = false): void {
    const { messages } = view;
    const shown = new Set(view.messages.map((message) => message.id));
    for (const [id, item] of this.#items) {
      if (shown.has(id)) continue;
      item.close();
      this.#items.delete(id);
      this.#drawn.delete(id);
      this.#days.delete(id);
    }
    const busy = !["idle", "loading"].includes(view.phase);
    const draw = (message: MessageView) => {
      const last = message === messages.at(-1);
      const item = this.#items.get(message.id) ?? this.#newItem(message, view);
      const place = `${last} ${busy}`;
      const drawn = this.#drawn.get(message.id);
      this.#drawn.set(message.id, { message, place });
      if (drawn?.message !== message || drawn.place !== place) drawEach(() => item.update(message, { last, busy }));
      return item.element;
    };
    const isFirst = this.#items.size === 0;
    this.#left = Math.min(isFirst ? Infinity : this.#left, messages.length);
    const until = performance.now() + PORTION_MS;
    if (isFirst || goesOn)
      while (this.#left > 0) {
        draw(messages[--this.#left]!);
        if (performance.now() > until && messages.length - this.#left >= AT_ONCE) break;
      }
    const made = messages.slice(this.#left);
    const elements = made.map(draw);
    const drawn = this.#withDays(made, elements);
    const at = made.findIndex(({ id }) => id === view.summary?.until);
    if (this.#fold && at >= 0) drawn.splice(drawn.indexOf(elements[at]!) + 1, 0, this.#fold);
    fill(this.#list, ...drawn);
    clearTimeout(this.#timer);
    if (this.#left > 0) this.#timer = window.setTimeout(this.#drawOlder);
  }

  /** Goes on with older messages, above those that are there; the reader stays where they are. */
  #drawOlder = () => {
    this.#onScroll(); // somebody may be about to leave the end
    const below = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    this.#drawMessages(this.#before!, true);
    if (this.#place === "reader") this.#scrollTo(this.#scroller.scrollHeight - below);
  };

  /** Draws all of them: paper is not drawn on later. */
  drawAll = () => {
    while (this.#left > 0) this.#drawOlder();
  };

  async #loadFold(): Promise<void> {
    const made = await load<typeof Made>(HISTORY_FILE);
    if (!made || this.#fold) return;
    this.#fold = made.summaryLine(this.#context.texts.language);
    if (this.#before) this.#drawMessages(this.#before);
  }

  /** Puts the day between messages of different ones, and before the first of an earlier one. */
  #withDays(messages: readonly MessageView[], elements: readonly HTMLElement[]): HTMLElement[] {
    let before = new Date().toDateString();
    return elements.flatMap((element, at) => {
      const { id, createdAt } = messages[at]!;
      const kept = this.#days.get(id) ?? { day: new Date(createdAt).toDateString(), rule: null };
      this.#days.set(id, kept);
      if (kept.day === before || Number.isNaN(Date.parse(createdAt))) return [element];
      before = kept.day;
      kept.rule ??= make("li", { class: "day" }, make("span"));
      setText(kept.rule.firstElementChild!, formatDay(createdAt, this.#context.texts));
      return [kept.rule, element];
    });
  }

  #newItem(message: MessageView, view: ChatView): Item {
    // Of the view that is there already only what was said earlier is made now.
    const fresh = this.#before !== null && this.#before !== view && goesOn(this.#before, view);
    const item = message.role === "user" ? new UserItem(this.#context, fresh) : new AnswerItem(this.#context, fresh);
    this.#items.set(message.id, item);
    return item;
  }

  /** Keeps the place: the end, or the question at the top; a place that the reader chose is left alone. */
  #follow(): void {
    this.#makeRoom();
    if (this.#place === "end") this.#scrollTo(this.#isWelcome ? 0 : this.#scroller.scrollHeight);
    else if (this.#place === "question") this.#scrollTo(this.#questionTop());
    this.#showJump();
  }

  #scrollTo(top: number): void {
    this.#scroller.scrollTop = top;
    this.#top = this.#scroller.scrollTop;
  }

  /** Leaves so much room below that the question can stand at the top. */
  #makeRoom(): void {
    const { clientHeight, scrollHeight } = this.#scroller;
    const has = this.#room.offsetHeight;
    const needs = this.#question === null ? 0 : this.#questionTop() + clientHeight - (scrollHeight - has);
    // Its gap to what stands above is there as long as it is.
    const height = Math.max(0, Math.floor(needs));
    if (Math.abs(height - has) > 1) this.#room.style.setProperty("block-size", `${height}px`);
  }

  /** Returns where the scroller has to be for the question; of a long one only the end is of use. */
  #questionTop(): number {
    const question = this.#question;
    if (question === null) return 0;
    const { offsetTop, offsetHeight } = question;
    const { clientHeight } = this.#scroller;
    return Math.max(0, Math.round(offsetTop - GAP_PX + Math.max(0, offsetHeight - clientHeight * LONG)));
  }

  #onScroll(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const moved = scrollTop - this.#top;
    this.#top = scrollTop;
    // There is nothing more to show below: it was the browser that moved, not the reader.
    if (moved < 0 && scrollHeight - scrollTop - clientHeight <= 1) return this.#follow();
    const isAtEnd = moved > 0 && this.#below() <= NEAR_PX && !this.#hasRoom && !this.#isWelcome;
    if (Math.abs(moved) > 1) this.#place = isAtEnd ? "end" : "reader";
    this.#showJump();
  }

  /** Whether nothing was said yet: what stands there then is read from its top. */
  get #isWelcome(): boolean {
    return this.#welcome.element.isConnected && this.#context.lanes?.element.hidden !== false;
  }

  get #hasRoom(): boolean {
    return this.#room.offsetHeight > NEAR_PX;
  }

  /** Returns how much stands below what is seen. */
  #below(): number {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    return scrollHeight - this.#room.offsetHeight - scrollTop - clientHeight;
  }

  #showJump(): void {
    this.#jump.hidden = this.#place === "end" || this.#below() < this.#scroller.clientHeight / 4;
  }

  #jumpToEnd(): void {
    this.#toEnd();
    this.#context.focusComposer();
  }

  #onClick(event: Event): void {
    const button = event.target instanceof Element ? event.target.closest<HTMLButtonElement>(".copy-code") : null;
    const code = button?.closest(".code")?.querySelector("pre")?.textContent;
    if (button && code != null) showCopied(button, this.#context, code);
  }
}

/** What stands there before the first message. */
class Welcome {
  declare readonly element: HTMLElement;
  #context: WidgetContext;
  #greeting = make("h3", { dir: "auto", hidden: true });
  #starters: HTMLElement;
  #assistant: Assistant | null = null;
  /** Until it is known what stands there; not for long, because nobody may ever say. */
  #waiting = skeleton("brief");

  constructor(context: WidgetContext) {
    this.#context = context;
    this.#starters = make("div", { class: "starters", role: "group", "aria-label": context.texts.starters });
    const mark = make("span", { class: "mark" }, icon("spark"));
    this.element = make("div", { class: "welcome" }, mark, this.#waiting, this.#greeting, this.#starters);
  }

  update(assistant: Assistant | null): void {
    if (assistant === this.#assistant) return;
    this.#assistant = assistant;
    this.#waiting.hidden = assistant !== null;
    setText(this.#greeting, assistant?.greeting ?? "");
    this.#greeting.hidden = !assistant?.greeting;
    fill(this.#starters, ...(assistant?.starters ?? []).map((text) => askButton(this.#context, text, icon("send"))));
    this.#starters.hidden = (assistant?.starters.length ?? 0) === 0;
  }
}

function skeleton(kind = ""): HTMLElement {
  return make("div", { class: `skeleton ${kind}`, "aria-hidden": "true" }, ...[1, 2, 3, 4].map(() => make("i")));
}

/** Whether a view goes on from the one before, rather than showing what was said earlier. */
function goesOn(before: ChatView, view: ChatView): boolean {
  if (before.phase === "loading" || view.phase === "loading") return false;
  const first = before.messages[0];
  return first === undefined ? view.messages.length <= 2 : view.messages[0]?.id === first.id;
}

/** Whether nothing can be seen yet of an answer that is being made. */
function isWaiting(view: ChatView): boolean {
  if (!["sending", "streaming", "reconnecting"].includes(view.phase)) return false;
  const last = view.messages.at(-1);
  if (last?.role !== "assistant") return true;
  return isBlank(last.text) && !last.toolCalls.some((call) => call.status === "running");
}
