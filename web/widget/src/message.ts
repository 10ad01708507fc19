/** One message, kept the same elements for as long as it is shown. */
import type { MessageView } from "@frontdesk/client";
import { Activity, Reasoning } from "./activity";
import { ApprovalCard } from "./approval";
import { label } from "./bounds";
import { copy } from "./clipboard";
import type { WidgetContext } from "./context";
import { fill, make, setText } from "./dom";
import { drawEach } from "./guard";
import { icon, type IconName } from "./icons";
import { decorate } from "./markdown/decorate";
import { MarkdownView } from "./markdown/view";
import { problemText } from "./problem";
import { Versions } from "./versions";
import { takes } from "./offers";

const COPIED_MS = 1600;

/** What decides how a message looks beside the message itself. */
export interface Place {
  /** Whether it is the last one. */
  last: boolean;
  /** Whether something is being answered, so that nothing can be asked anew. */
  busy: boolean;
}

export interface Item {
  readonly element: HTMLElement;
  update(message: MessageView, place: Place): void;
  close(): void;
}

export class UserItem implements Item {
  readonly element: HTMLElement;
  #context: WidgetContext;
  #bubble = make("div", { class: "bubble", dir: "auto" });
  #below = make("div", { class: "below" });
  #versions: Versions;
  #state = make("span", { class: "state" });
  #edit: HTMLButtonElement;
  #retry: HTMLButtonElement;
  #message: MessageView | null = null;

  constructor(context: WidgetContext, fresh: boolean) {
    const { texts } = context;
    this.#context = context;
    this.#versions = new Versions(texts, (text) => make("div", { dir: "auto" }, text));
    this.#edit = tool("pencil", texts.edit, () => this.#message && context.edit(this.#message));
    this.#retry = make("button", { type: "button", class: "button", onclick: () => retry(context) }, texts.retry);
    const copyButton = copyTool(context, () => this.#message?.text ?? "");
    this.#below.append(this.#state, this.#retry, this.#edit, copyButton);
    this.element = make(
      "li",
      { class: `message user${fresh ? " fresh" : ""}` },
      make("span", { class: "unseen" }, `${texts.you}: `),
      this.#bubble,
      this.#below,
      this.#versions.element,
    );
  }

  update(message: MessageView, place: Place): void {
    this.#message = message;
    const failed = message.status === "failed";
    setText(this.#bubble, message.text);
    this.#versions.update(message);
    setText(this.#state, failed ? this.#context.texts.notSent : "");
    this.element.classList.toggle("sending", message.status === "sending");
    this.#below.classList.toggle("kept", failed);
    this.#retry.hidden = !failed || !place.last;
    this.#edit.hidden = failed || place.busy || message.runId === null;
  }

  close(): void {}
}

export class AnswerItem implements Item {
  readonly element: HTMLElement;
  #context: WidgetContext;
  #fresh: boolean;
  #reasoning: Reasoning;
  #activity: Activity;
  #markdown: MarkdownView;
  #approvals = new Map<string, ApprovalCard>();
  #actions = make("div", { class: "actions" });
  #versions: Versions;
  #problem = make("div");
  #below: AnswerTools;
  #message: MessageView | null = null;

  constructor(context: WidgetContext, fresh: boolean) {
    this.#context = context;
    this.#fresh = fresh;
    this.#reasoning = new Reasoning(context.texts);
    this.#activity = new Activity(context.texts);
    this.#markdown = new MarkdownView({
      sanitise: context.sanitise,
      decorate: (fragment) => decorate(fragment, context.texts),
      onSettled: (block) => fresh && context.narrator.settled(block),
    });
    this.#versions = new Versions(context.texts, (text) => this.#version(text));
    this.#below = new AnswerTools(context);
    this.element = make("li", { class: `message answer${fresh ? " fresh" : ""}` });
  }

  update(message: MessageView, place: Place): void {
    const ended = !["sending", "streaming", "awaiting_input"].includes(message.status);
    this.element.classList.toggle("last", place.last);
    this.element.classList.toggle("streaming", message.status === "streaming");
    let cards: HTMLElement[] = [];
    drawEach(
      () => this.#reasoning.update(message),
      () => this.#activity.update(message),
      () => this.#markdown.update(message.text, ended),
      () => this.#fresh && !ended && this.#context.narrator.open(this.#markdown.open),
      () => message.actions !== this.#message?.actions && this.#drawActions(message),
      () => void (cards = this.#cards(message)),
      () => this.#versions.update(message),
      () => this.#drawProblem(message, place),
      () => this.#below.update(message, place, ended),
    );
    this.#message = message;
    fill(
      this.element,
      this.#reasoning.element,
      this.#activity.element,
      this.#markdown.element,
      ...cards,
      this.#actions,
      this.#problem,
      this.#versions.element,
      this.#below.element,
    );
  }

  close(): void {
    this.#markdown.close();
    this.#activity.close();
    for (const card of this.#approvals.values()) card.close();
  }

  #cards(message: MessageView): HTMLElement[] {
    return message.approvals.map((approval) => {
      const card = this.#approvals.get(approval.toolCallId) ?? new ApprovalCard(this.#context, approval);
      this.#approvals.set(approval.toolCallId, card);
      card.update(approval);
      return card.element;
    });
  }

  #drawActions(message: MessageView): void {
    this.#actions.hidden = message.actions.length === 0;
    const { texts } = this.#context;
    fill(
      this.#actions,
      ...message.actions.map(({ id, type, value }) => {
        const done = message.toolCalls.find((call) => call.id === id)?.done ?? type.replaceAll("_", " ");
        return make("span", { class: "action" }, icon("bolt"), label(texts.action(done, value)));
      }),
    );
  }

  #version(text: string): HTMLElement {
    const { sanitise, texts } = this.#context;
    const view = new MarkdownView({ sanitise, decorate: (fragment) => decorate(fragment, texts) });
    view.update(text, true);
    return view.element;
  }

  #drawProblem(message: MessageView, place: Place): void {
    const { texts } = this.#context;
    const { error } = message;
    this.#problem.hidden = error === null;
    if (error === null || (error === this.#message?.error && this.#problem.childElementCount > 0)) return;
    const again = make("button", { type: "button", class: "button", onclick: () => retry(this.#context) }, texts.retry);
    this.#problem.className = "problem";
    fill(
      this.#problem,
      icon("warning"),
      make("p", {}, problemText(error, texts)),
      error.recoverable && place.last ? again : null,
    );
  }
}

/** The buttons below an answer. */
class AnswerTools {
  readonly element: HTMLElement;
  #context: WidgetContext;
  #state = make("span", { class: "state" });
  #good: HTMLButtonElement;
  #bad: HTMLButtonElement;
  #again: HTMLButtonElement;
  #message: MessageView | null = null;

  constructor(context: WidgetContext) {
    const { texts } = context;
    this.#context = context;
    this.#good = tool("up", texts.good, () => this.#rate("up"));
    this.#bad = tool("down", texts.bad, () => this.#rate("down"));
    this.#again = tool("again", texts.again, () => {
      context.focusComposer();
      if (takes(context)) void context.chat.regenerate(this.#message?.id);
    });
    const copyButton = copyTool(context, () => this.#message?.text ?? "");
    this.element = make("div", { class: "below" }, copyButton, this.#good, this.#bad, this.#again, this.#state);
  }

  update(message: MessageView, place: Place, ended: boolean): void {
    const { texts } = this.#context;
    this.#message = message;
    this.element.hidden = !ended || (message.text === "" && message.status === "failed");
    this.#good.setAttribute("aria-pressed", String(message.feedback === "up"));
    this.#bad.setAttribute("aria-pressed", String(message.feedback === "down"));
    this.#again.hidden = place.busy || message.status === "failed";
    const states: Partial<Record<MessageView["status"], string>> = { cancelled: texts.stopped, partial: texts.partial };
    setText(this.#state, states[message.status] ?? "");
    this.element.classList.toggle("kept", message.feedback !== null || this.#state.textContent !== "");
  }

  #rate(rating: "up" | "down"): void {
    if (this.#message === null) return;
    this.#context.client.feedback(this.#message.id, { rating }).catch((error: unknown) => this.#context.report(error));
  }
}

export function tool(name: IconName, label: string, onclick: () => unknown): HTMLButtonElement {
  return make("button", { type: "button", class: "tool", title: label, "aria-label": label, onclick }, icon(name));
}

function copyTool(context: WidgetContext, text: () => string): HTMLButtonElement {
  const button = tool("copy", context.texts.copy, () => showCopied(button, context, text()));
  return button;
}

/** Copies, and says on the button for a moment whether that went well. */
export function showCopied(button: HTMLButtonElement, context: WidgetContext, text: string): void {
  const { texts, narrator } = context;
  void copy(text, button).then(
    () => {
      say(button, icon("check"), texts.copied);
      narrator.live.say(texts.copied);
    },
    () => {
      say(button, icon("warning"), texts.notCopied);
      narrator.urgent.say(texts.notCopied);
    },
  );
}

function say(button: HTMLButtonElement, picture: SVGElement, text: string): void {
  if (button.querySelector(":scope > :is(.icon-check, .icon-warning)") !== null) return;
  const before = Array.from(button.childNodes);
  const { title } = button;
  button.title = text;
  button.replaceChildren(picture, ...(button.textContent === "" ? [] : [text]));
  setTimeout(() => {
    button.replaceChildren(...before);
    button.title = title;
  }, COPIED_MS);
}

function retry(context: WidgetContext): void {
  if (!takes(context)) return;
  context.focusComposer();
  void context.chat.retry();
}
