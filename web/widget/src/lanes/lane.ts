/** One model's answer among others: its name, the answer as it stands anywhere, its stop, and the button that chooses it. */
import { isMade, type LaneView } from "@frontdesk/client/lanes";
import { isBlank, label } from "../bounds";
import type { WidgetContext } from "../context";
import { make, setText } from "../dom";
import { icon } from "../icons";
import type { AnswerItem } from "../message";
import type { Words } from "./words";

/** What can be done with a lane, by its run. */
export interface Acts {
  stop(runId: string): void;
  choose(runId: string, name: string): void;
}

export class Lane {
  readonly element: HTMLElement;
  name = "";
  #context: WidgetContext;
  #item: AnswerItem;
  #title = make("h3", { dir: "auto" });
  #stop: HTMLButtonElement;
  #use: HTMLButtonElement;
  #typing = make("div", { class: "typing", "aria-hidden": "true" }, make("i"), make("i"), make("i"));
  #shown!: LaneView;
  #chosen: string | null = null;

  constructor(context: WidgetContext, Item: typeof AnswerItem, words: Words, acts: Acts) {
    this.#context = context;
    // Not read aloud as it grows: nobody can listen to two at once.
    this.#item = new Item(context, false);
    this.#stop = make(
      "button",
      { type: "button", class: "tool", onclick: () => acts.stop(this.#shown.answer.runId!) },
      icon("stop"),
    );
    const choose = () => acts.choose(this.#shown.answer.runId!, this.name);
    this.#use = make("button", { type: "button", class: "button use", onclick: choose }, icon("check"), words.use);
    this.element = make(
      "section",
      { class: "lane" },
      make("div", { class: "lane-head" }, this.#title, this.#stop),
      make("ul", { class: "messages", role: "list" }, this.#item.element),
      this.#typing,
      this.#use,
    );
  }

  /** Shows a lane under a name that no other one has; `chosen` is the run of the one that was, if any was. */
  update(view: LaneView, name: string, chosen: string | null): void {
    if (view === this.#shown && name === this.name && chosen === this.#chosen) return;
    const { texts } = this.#context;
    const { answer } = view;
    this.#shown = view;
    this.#chosen = chosen;
    this.name = name;
    this.element.ariaLabel = label(name);
    setText(this.#title, label(name));
    this.#item.update(answer, { last: false, busy: true });
    const isBeing = isMade(view);
    const hasText = !isBlank(answer.text);
    this.#stop.hidden = !isBeing || chosen !== null;
    this.#stop.title = this.#stop.ariaLabel = `${texts.stop}: ${label(name)}`;
    this.#typing.hidden = !isBeing || hasText || answer.toolCalls.some(({ status }) => status === "running");
    this.#use.hidden = !hasText || answer.status === "failed" || (chosen !== null && chosen !== answer.runId);
    this.#use.setAttribute("aria-busy", String(chosen !== null));
    this.#use.setAttribute("aria-description", label(name));
  }

  close(): void {
    this.#item.close();
  }
}
