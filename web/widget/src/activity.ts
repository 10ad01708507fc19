/** What happens behind an answer: the model's thoughts and its calls of tools, folded until somebody asks. */
import type { MessageView, ToolCallView } from "@frontdesk/client";
import { label } from "./bounds";
import { fill, make, setText } from "./dom";
import { icon } from "./icons";
import { formatNumber } from "./format";
import type { Texts } from "./texts";
import { callLabel, readResult } from "./tools";

/** A call that has run so long shows for how long. */
const LONG_S = 3;

export class Reasoning {
  declare readonly element: HTMLElement;
  #text = make("div", { class: "inside thoughts", dir: "auto" });

  constructor(texts: Texts) {
    const summary = make("summary", {}, icon("spark"), make("span", {}, texts.reasoning), icon("chevron"));
    this.element = make("details", { class: "folded reasoning" }, summary, this.#text);
  }

  update(message: MessageView): void {
    this.element.hidden = message.reasoning === "";
    this.element.classList.toggle("busy", message.status === "streaming" && message.text === "");
    setText(this.#text, message.reasoning);
  }
}

export class Activity {
  declare readonly element: HTMLElement;
  #texts: Texts;
  #label = make("span");
  /** How long the call has been running: apart from the label, because it is no news. */
  #clock = make("span", { class: "clock" });
  #inside = make("div", { class: "inside" });
  /** Which calls are inside, and how they are: how long one runs and how far it is stands outside. */
  #shown = "";
  #running: { call: ToolCallView; sinceMs: number; timer: number } | null = null;

  constructor(texts: Texts) {
    this.#texts = texts;
    const summary = make("summary", {}, icon("tool"), this.#label, this.#clock, icon("chevron"));
    this.element = make("details", { class: "folded activity" }, summary, this.#inside);
  }

  update(message: MessageView): void {
    const calls = shownCalls(message);
    const running = calls.findLast((call) => call.status === "running");
    this.element.hidden = calls.length === 0;
    this.element.classList.toggle("busy", running !== undefined);
    setText(this.#label, this.#summary(calls, running));
    this.#time(running);
    const inside = calls.map(({ id, status }) => id + status).join();
    if (inside === this.#shown) return;
    this.#shown = inside;
    fill(this.#inside, ...calls.map((call) => callDetails(call, this.#texts)));
  }

  close(): void {
    clearInterval(this.#running?.timer);
  }

  /** Counts the seconds of a call, and shows them where it takes long, with what it says of how far it is. */
  #time(call: ToolCallView | undefined): void {
    const before = this.#running;
    if (call === before?.call) return;
    this.close();
    this.#running = null;
    if (!call) return setText(this.#clock, "");
    const { id, elapsedMs = 0, progress, progressText } = call;
    const texts = this.#texts;
    const sinceMs = Math.min(performance.now() - elapsedMs, id === before?.call.id ? before.sinceMs : Infinity);
    const show = () => {
      const seconds = Math.floor((performance.now() - sinceMs) / 1000);
      const shown = [
        seconds >= LONG_S && texts.duration(formatNumber(seconds, texts)),
        progress !== undefined && `${formatNumber(progress * 100, texts)} %`,
        progressText && label(progressText),
      ];
      setText(this.#clock, shown.filter(Boolean).join(" · "));
    };
    show();
    this.#running = { call, sinceMs, timer: window.setInterval(show, 250) };
  }

  #summary(calls: readonly ToolCallView[], running: ToolCallView | undefined): string {
    if (running !== undefined) return callLabel(running, this.#texts);
    const only = calls[0];
    if (only === undefined) return "";
    if (calls.length > 1) return this.#texts.usedTools(calls.length);
    const label = callLabel(only, this.#texts);
    const end = callEnd(only, this.#texts);
    return end === null ? label : `${label} · ${end}`;
  }
}

/** Returns the calls to show; an answer that did not stream has only the names of its tools. What the page does has a place of its own. */
function shownCalls(message: MessageView): readonly ToolCallView[] {
  const actions = new Set(message.actions.map((action) => action.type));
  const calls = message.toolCalls.filter((call) => !actions.has(call.name));
  if (calls.length > 0) return calls;
  return message.toolsUsed.map((name) => ({
    id: name,
    name,
    status: "ok",
    arguments: null,
    durationMs: null,
    error: null,
    label: null,
    done: null,
    result: null,
  }));
}

/** Returns the word for a call that did not end well. */
function callEnd({ status }: ToolCallView, texts: Texts): string | null {
  return status === "error" ? texts.toolFailed : status === "cancelled" ? texts.stopped : null;
}

/** Returns two lines: what it was and how it went; what it returned, or was asked, or why it failed. */
function callDetails(call: ToolCallView, texts: Texts): HTMLElement {
  const name = make("span", { title: label(call.name) }, label(callLabel(call, texts)));
  return make("div", { class: "call" }, make("div", { class: "call-head" }, name, callState(call, texts)), below(call));
}

function below({ error, result, arguments: asked }: ToolCallView): HTMLElement {
  if (error !== null) return make("div", { class: "failed" }, error);
  if (result) return make("div", { class: "result", dir: "auto" }, readResult(result));
  return make("div", { class: "asked", dir: "auto" }, argumentLine(asked ?? {}));
}

/** Returns the arguments in a line, by what people call them: names are for the model. */
function argumentLine(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name.replaceAll("_", " ")}: ${inWords(value)}`)
    .join(" · ");
}

function callState(call: ToolCallView, texts: Texts): HTMLElement {
  const end = callEnd(call, texts);
  if (end !== null) return make("span", { class: call.status === "error" ? "failed" : null }, end);
  if (call.status !== "ok") return make("span", {}, call.status === "running" ? "…" : texts.toolWaits);
  const tenths = Math.round((call.durationMs ?? 0) / 100);
  return make("span", {}, tenths === 0 ? "" : texts.duration(formatNumber(tenths / 10, texts, 1)));
}

function inWords(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
