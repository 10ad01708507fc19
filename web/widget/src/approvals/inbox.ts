/** What others asked for and this user may answer: a small list above the conversation. */
import { type Approvals, type OpenApproval, watchApprovals } from "@frontdesk/client/approvals";
import type { Decision } from "@frontdesk/client";
import type { WidgetContext } from "../context";
import { fill, make, setText } from "../dom";
import { problemText } from "../problem";
import { adopt } from "./look";
import { Question } from "./question";
import { type Words, wordsFor } from "./words";

export class Inbox {
  readonly element: HTMLDetailsElement;
  #context: WidgetContext;
  #words: Words;
  #approvals: Approvals;
  #count = make("summary");
  #list = make("div", { class: "cards" });
  #shown = new Map<string, { element: HTMLElement; question: Question }>();

  constructor(context: WidgetContext) {
    this.#context = context;
    this.#words = wordsFor(context.texts.language);
    this.element = make("details", { class: "inbox", hidden: true }, this.#count, this.#list);
    this.#approvals = watchApprovals(context.options.access);
    this.#approvals.subscribe((items) => this.#draw(items));
  }

  close(): void {
    this.#approvals.close();
    for (const { question } of this.#shown.values()) question.close();
  }

  #draw(items: readonly OpenApproval[]): void {
    adopt(this.element);
    const kept = new Set(items.map(keyOf));
    for (const [key, { question }] of this.#shown) {
      if (kept.has(key)) continue;
      question.close();
      this.#shown.delete(key);
    }
    const fresh = items.filter((item) => !this.#shown.has(keyOf(item)));
    for (const item of fresh) this.#shown.set(keyOf(item), this.#card(item));
    const cards = items.map((item) => this.#shown.get(keyOf(item))!.element);
    fill(this.#list, ...cards);
    setText(this.#count, this.#words.inbox(items.length));
    this.element.hidden = items.length === 0;
    if (fresh.length > 0) this.#context.narrator.live.say(this.#words.inbox(items.length));
  }

  #card(item: OpenApproval) {
    const element = make("section", { class: "approval" });
    const { approvers: _, ...asked } = item;
    const decide = (decision: Decision) => this.#decide(item, decision);
    return { element, question: new Question(element, this.#context, this.#words, asked, decide) };
  }

  async #decide(item: OpenApproval, decision: Decision): Promise<string | null> {
    try {
      await this.#approvals.decide(item, decision);
      this.#context.narrator.live.say(decision.approve ? this.#words.approved : this.#words.denied);
      return null;
    } catch (error) {
      return problemText(error as Parameters<typeof problemText>[0], this.#context.texts);
    }
  }
}

function keyOf({ runId, toolCallId, hash }: OpenApproval): string {
  return `${runId} ${toolCallId} ${hash}`;
}
