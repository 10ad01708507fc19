/** One message, kept the same elements for as long as it is shown. */
import type { ErrorView, MessageView } from "@frontdesk/client";
import { Activity, Reasoning } from "./activity";
import { ApprovalCard } from "./approval";
import { Attached } from "./attached";
import { isBlank, label } from "./bounds";
import { tool } from "./button";
import { copy } from "./clipboard";
import type { WidgetContext } from "./context";
import { fill, make, setText } from "./dom";
import { drawEach } from "./guard";
import { formatInFull, formatTime } from "./format";
import { icon } from "./icons";
import { decorate } from "./markdown/decorate";
import { MarkdownView } from "./markdown/view";
import { NO_ANSWER, problemParts } from "./problem";
import { load } from "./load";
import type * as Sources from "./sources";
import type { Texts } from "./texts";
import { Versions } from "./versions";
import { takes } from "./offers";

declare const SOURCES_FILE: string;
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
  declare readonly element: HTMLElement;
  #context: WidgetContext;
  #bubble = make("div", { class: "bubble", dir: "auto" });
  #files: Attached;
  #below = make("div", { class: "below" });
  #versions: Versions;
  #state = make("span", { class: "state" });
  #edit: HTMLButtonElement;
  #problem: Problem;
  #time: Time;
  #message: MessageView | null = null;

  constructor(context: WidgetContext, fresh: boolean) {
    const { texts } = context;
    this.#context = context;
    this.#versions = new Versions(texts, (text) => make("div", { dir: "auto" }, text));
    this.#files = new Attached(context);
    this.#edit = tool("pencil", texts.edit, () => this.#message && context.edit(this.#message));
    this.#problem = new Problem(context);
    this.#time = new Time(texts);
    const copyButton = copyTool(context, () => this.#message?.text ?? "");
    this.#below.append(this.#state, this.#time.element, this.#edit, copyButton);
    this.element = make(
      "li",
      { class: `message user${fresh ? " fresh" : ""}` },
      make("span", { class: "unseen" }, `${texts.you}: `),
      this.#bubble,
      this.#files.element,
      this.#below,
      this.#problem.element,
      this.#versions.element,
    );
  }

  update(message: MessageView, place: Place): void {
    this.#message = message;
    const failed = message.status === "failed";
    setText(this.#bubble, message.text);
    this.#files.update(message);
    this.#versions.update(message);
    setText(this.#state, failed ? this.#context.texts.notSent : "");
    this.element.classList.toggle("sending", message.status === "sending");
    this.#below.classList.toggle("kept", failed);
    this.#problem.update(failed ? (message.error ?? this.#context.chat.view.error) : null, place);
    this.#time.update(message.createdAt);
    this.#edit.hidden = failed || place.busy || message.runId === null;
  }

  close(): void {}
}

export class AnswerItem implements Item {
  declare readonly element: HTMLElement;
  #context: WidgetContext;
  #fresh: boolean;
  #reasoning: Reasoning;
  #activity: Activity;
  #markdown: MarkdownView;
  #approvals = new Map<string, ApprovalCard>();
  #files: Attached;
  #actions = make("div", { class: "actions" });
  #versions: Versions;
  #problem: Problem;
  #below: AnswerTools;
  /** Where it comes from: loaded when an answer says so. */
  #sources = make("section", { class: "sources", hidden: true });
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
    this.#files = new Attached(context);
    this.#versions = new Versions(context.texts, (text) => this.#version(text));
    this.#problem = new Problem(context);
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
      // What is the same stays, and where nothing is cited and was none nothing is loaded.
      () =>
        message.sources !== this.#message?.sources &&
        (message.sources.length || this.#message?.sources.length) &&
        this.#drawSources(),
      () => this.#files.update(message),
      () => this.#versions.update(message),
      () => this.#problem.update(message.error ?? (isMissing(message, place) ? NO_ANSWER : null), place),
      () => this.#below.update(message, place, ended),
    );
    this.#message = message;
    fill(
      this.element,
      this.#reasoning.element,
      this.#activity.element,
      this.#markdown.element,
      ...cards,
      this.#files.element,
      this.#actions,
      this.#sources,
      this.#problem.element,
      this.#versions.element,
      this.#below.element,
    );
  }

  close(): void {
    this.#markdown.close();
    this.#activity.close();
    for (const card of this.#approvals.values()) card.close();
  }

  /** Returns the cards of what is asked, and of what was asked while this stands here. */
  #cards(message: MessageView): HTMLElement[] {
    const asked = new Map(message.approvals.map((one) => [one.toolCallId, one]));
    for (const [id, one] of asked)
      if (!this.#approvals.has(id)) this.#approvals.set(id, new ApprovalCard(this.#context, one, message));
    return [...this.#approvals].flatMap(([id, card]) => (card.update(asked.get(id), message) ? [card.element] : []));
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

  #drawSources(): void {
    void load<typeof Sources>(SOURCES_FILE).then((made) =>
      made?.draw(this.#sources, this.#message!.sources, this.#context),
    );
  }

  #version(text: string): HTMLElement {
    const { sanitise, texts } = this.#context;
    const view = new MarkdownView({ sanitise, decorate: (fragment) => decorate(fragment, texts) });
    view.update(text, true);
    return view.element;
  }
}

/** Why there is no message or answer, and what helps. */
class Problem {
  readonly element = make("div", { class: "problem", hidden: true });
  #context: WidgetContext;
  #error: ErrorView | null = null;
  #helps = false;

  constructor(context: WidgetContext) {
    this.#context = context;
  }

  /** What helps is offered at the end of the conversation only. */
  update(error: ErrorView | null, { last }: Place): void {
    if (error === this.#error && last === this.#helps) return;
    this.#error = error;
    this.#helps = last;
    this.element.hidden = error === null;
    fill(this.element, ...(error === null ? [] : [icon("warning"), ...problemParts(this.#context, error, last)]));
  }
}

/** When a message was written. */
class Time {
  readonly element = make("time", { class: "when" });
  #texts: Texts;

  constructor(texts: Texts) {
    this.#texts = texts;
  }

  update(moment: string): void {
    if (moment === this.element.dateTime || Number.isNaN(Date.parse(moment))) return;
    this.element.dateTime = moment;
    this.element.title = formatInFull(moment, this.#texts);
    setText(this.element, formatTime(moment, this.#texts));
  }
}

/** Whether an answer is wanted. Where calls were made and something else was said behind them, as instead of a yes, it is not. */
function isMissing(message: MessageView, { last }: Place): boolean {
  return isEmpty(message) && (last || message.toolCalls.length === 0);
}

/** Whether it is over and nobody can see anything of it. */
function isEmpty({ status, text, actions, approvals, files }: MessageView): boolean {
  return status === "completed" && isBlank(text) && actions.length === 0 && approvals.length + files.length === 0;
}

/** The buttons below an answer. */
class AnswerTools {
  declare readonly element: HTMLElement;
  #context: WidgetContext;
  #state = make("span", { class: "state" });
  #good: HTMLButtonElement;
  #bad: HTMLButtonElement;
  #again: HTMLButtonElement;
  #time: Time;
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
    this.#time = new Time(texts);
    const copyButton = copyTool(context, () => this.#copied());
    this.element = make(
      "div",
      { class: "below" },
      ...[copyButton, this.#good, this.#bad, this.#again, this.#state, this.#time.element],
    );
  }

  update(message: MessageView, place: Place, ended: boolean): void {
    const { texts } = this.#context;
    this.#message = message;
    this.element.hidden = !ended || (isBlank(message.text) && message.status !== "cancelled");
    this.#time.update(message.createdAt);
    this.#good.setAttribute("aria-pressed", String(message.feedback === "up"));
    this.#bad.setAttribute("aria-pressed", String(message.feedback === "down"));
    this.#again.hidden = place.busy || message.status === "failed";
    const states: Partial<Record<MessageView["status"], string>> = { cancelled: texts.stopped, partial: texts.partial };
    setText(this.#state, states[message.status] ?? "");
    this.element.classList.toggle("kept", message.feedback !== null || this.#state.textContent !== "");
  }

  /** The answer, and below it where it comes from. */
  #copied(): string {
    const { text, sources } = this.#message!;
    return [text, ...sources.map(({ title, url }) => `- ${title}: ${url}`)].join("\n");
  }

  #rate(rating: "up" | "down"): void {
    if (this.#message === null) return;
    this.#context.client.feedback(this.#message.id, { rating }).catch((error: unknown) => this.#context.report(error));
  }
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
