/** The messages in their order, what may be said next, and a scroll position that belongs to the reader. */
import type { Assistant, ChatView, MessageView } from "@frontdesk/client";
import { isBlank, label } from "./bounds";
import type { WidgetContext } from "./context";
import { fill, make, setText } from "./dom";
import { icon } from "./icons";
import { AnswerItem, type Item, showCopied, UserItem } from "./message";
import { takes } from "./offers";

/** This close to the end counts as the end. */
const NEAR_PX = 4;

export class Transcript {
  readonly element: HTMLElement;
  #context: WidgetContext;
  #scroller: HTMLElement;
  #content = make("div", { class: "content" });
  #list: HTMLElement;
  #items = new Map<string, Item>();
  #drawn = new Map<string, { message: MessageView; place: string }>();
  #welcome: Welcome;
  #typing = make("div", { class: "typing", "aria-hidden": "true" }, make("i"), make("i"), make("i"));
  #skeleton = make("div", { class: "skeleton", "aria-hidden": "true" }, make("i"), make("i"), make("i"), make("i"));
  #suggestions: HTMLElement;
  #offered: readonly string[] = [];
  #jump: HTMLButtonElement;
  #atEnd = true;
  #top = 0;
  #before: ChatView | null = null;
  #observer: ResizeObserver;

  constructor(context: WidgetContext) {
    const { texts } = context;
    this.#context = context;
    this.#welcome = new Welcome(context);
    this.#list = make("ol", { class: "messages", role: "list", "aria-label": texts.messages });
    this.#suggestions = make("div", { class: "suggestions", role: "group", "aria-label": texts.suggestions });
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
    );
    this.#scroller.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    this.#scroller.addEventListener("click", (event) => this.#onClick(event));
    this.element = make("div", { class: "transcript" }, this.#scroller, this.#jump);
    this.#observer = new ResizeObserver(() => this.#follow());
    this.#observer.observe(this.#content);
    this.#observer.observe(this.#scroller);
  }

  update(view: ChatView, assistant: Assistant | null): void {
    const loading = view.phase === "loading";
    const empty = view.messages.length === 0 && !loading;
    this.#drawMessages(view);
    if (empty) this.#welcome.update(assistant);
    this.#drawSuggestions(view);
    fill(
      this.#content,
      empty ? this.#welcome.element : null,
      loading && view.messages.length === 0 ? this.#skeleton : null,
      this.#list,
      isWaiting(view) ? this.#typing : null,
      this.#suggestions,
    );
    this.#before = view;
    this.#follow();
  }

  /** Goes to the end, and stays there while it grows. */
  toEnd(): void {
    this.#atEnd = true;
    this.#follow();
  }

  close(): void {
    this.#observer.disconnect();
    for (const item of this.#items.values()) item.close();
  }

  #drawMessages(view: ChatView): void {
    const shown = new Set(view.messages.map((message) => message.id));
    for (const [id, item] of this.#items) {
      if (shown.has(id)) continue;
      item.close();
      this.#items.delete(id);
      this.#drawn.delete(id);
    }
    const busy = !["idle", "loading"].includes(view.phase);
    const elements = view.messages.map((message, at) => {
      const last = at === view.messages.length - 1;
      const item = this.#items.get(message.id) ?? this.#newItem(message, view);
      const place = `${last} ${busy}`;
      const drawn = this.#drawn.get(message.id);
      if (drawn?.message !== message || drawn.place !== place) item.update(message, { last, busy });
      this.#drawn.set(message.id, { message, place });
      return item.element;
    });
    fill(this.#list, ...elements);
  }

  #newItem(message: MessageView, view: ChatView): Item {
    const fresh = this.#before !== null && goesOn(this.#before, view);
    const item = message.role === "user" ? new UserItem(this.#context, fresh) : new AnswerItem(this.#context, fresh);
    this.#items.set(message.id, item);
    return item;
  }

  #drawSuggestions(view: ChatView): void {
    const offered = view.phase === "idle" ? view.suggestions : [];
    if (offered === this.#offered) return;
    this.#offered = offered;
    fill(this.#suggestions, ...offered.map((text) => askButton(this.#context, text)));
  }

  #follow(): void {
    if (this.#atEnd) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#showJump();
  }

  #onScroll(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    if (scrollHeight - scrollTop - clientHeight <= NEAR_PX) this.#atEnd = true;
    else if (scrollTop < this.#top) this.#atEnd = false;
    this.#top = scrollTop;
    this.#showJump();
  }

  #showJump(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    this.#jump.hidden = this.#atEnd || scrollHeight - scrollTop - clientHeight < clientHeight / 4;
  }

  #jumpToEnd(): void {
    this.toEnd();
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
  readonly element: HTMLElement;
  #context: WidgetContext;
  #greeting = make("h3", { dir: "auto", hidden: true });
  #starters: HTMLElement;
  #assistant: Assistant | null = null;

  constructor(context: WidgetContext) {
    this.#context = context;
    this.#starters = make("div", { class: "starters", role: "group", "aria-label": context.texts.starters });
    const mark = make("span", { class: "mark" }, icon("spark"));
    this.element = make("div", { class: "welcome" }, mark, this.#greeting, this.#starters);
  }

  update(assistant: Assistant | null): void {
    if (assistant === this.#assistant) return;
    this.#assistant = assistant;
    setText(this.#greeting, assistant?.greeting ?? "");
    this.#greeting.hidden = !assistant?.greeting;
    fill(this.#starters, ...(assistant?.starters ?? []).map((text) => askButton(this.#context, text, icon("send"))));
    this.#starters.hidden = (assistant?.starters.length ?? 0) === 0;
  }
}

function askButton(context: WidgetContext, text: string, picture: SVGElement | null = null): HTMLElement {
  const ask = () => {
    if (!takes(context)) return;
    context.focusComposer();
    void context.chat.send(text);
  };
  return make("button", { type: "button", onclick: ask }, make("span", { dir: "auto" }, label(text)), picture);
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
