/** Questions that may follow the last answer: those that came with it, or a quiet button that has them made. */
import type { Assistant, ChatView } from "@frontdesk/client";
import { label } from "./bounds";
import type { WidgetContext } from "./context";
import { fill, make } from "./dom";
import { icon } from "./icons";
import { takes } from "./offers";

const NONE: readonly string[] = [];

export class Suggestions {
  declare readonly element: HTMLElement;
  #context: WidgetContext;
  #wish: HTMLButtonElement;
  /** The answer that stands last and may have some on demand; null where none does. */
  #answer: string | null = null;
  /** What was made on demand, by answer. */
  #made = new Map<string, readonly string[]>();
  #offered = NONE;
  #isMaking = false;

  constructor(context: WidgetContext) {
    const { suggestions } = context.texts;
    this.#context = context;
    this.element = make("div", { class: "suggestions", role: "group", "aria-label": suggestions });
    const wish = () => this.#answer !== null && void this.#make(this.#answer);
    this.#wish = make("button", { type: "button", class: "wish", onclick: wish }, icon("spark"), suggestions);
  }

  update(view: ChatView, assistant: Assistant | null): void {
    const idle = view.phase === "idle";
    const last = view.messages.at(-1);
    const may = idle && assistant?.suggestionsWhen === "on_demand" && last?.role === "assistant";
    this.#answer = may && last.status === "completed" ? last.id : null;
    const own = idle ? view.suggestions : NONE;
    this.#draw(own.length > 0 || this.#answer === null ? own : this.#made.get(this.#answer));
  }

  /** `offered` undefined: they may be made. */
  #draw(offered: readonly string[] | undefined): void {
    if (offered === undefined) fill(this.element, this.#wish);
    else if (offered !== this.#offered || this.#wish.isConnected)
      fill(this.element, ...offered.map((text) => askButton(this.#context, text)));
    this.#offered = offered ?? NONE;
  }

  async #make(answer: string): Promise<void> {
    if (this.#isMaking) return;
    this.#become(true);
    try {
      this.#made.set(answer, await this.#context.client.suggestions(answer));
    } catch (error) {
      this.#context.report(error);
    }
    this.#become(false);
    const made = this.#made.get(answer);
    if (this.#answer !== answer || made === undefined) return;
    const { activeElement } = this.element.getRootNode() as Document | ShadowRoot;
    this.#draw(made);
    if (activeElement !== this.#wish) return;
    if (made.length > 0) this.element.querySelector("button")?.focus();
    else this.#context.focusComposer();
  }

  /** It keeps the keyboard while it works, so it is not disabled. */
  #become(isMaking: boolean): void {
    this.#isMaking = isMaking;
    this.#wish.setAttribute("aria-busy", String(isMaking));
  }
}

/** Returns a button that asks a question. */
export function askButton(context: WidgetContext, text: string, picture: SVGElement | null = null): HTMLElement {
  const ask = () => {
    if (!takes(context)) return;
    context.focusComposer();
    void context.chat.send(text);
  };
  return make("button", { type: "button", onclick: ask }, make("span", { dir: "auto" }, label(text)), picture);
}
