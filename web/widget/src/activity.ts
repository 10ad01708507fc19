/** What happens behind an answer: the model's thoughts and its calls of tools, folded until somebody asks. */
import type { MessageView, ToolCallView } from "@frontdesk/client";
import { label } from "./bounds";
import { fill, make, setText } from "./dom";
import { icon } from "./icons";
import { formatNumber } from "./format";
import type { Texts } from "./texts";
import { callLabel, readResult } from "./tools";

/** From then on a call that goes on says how long it does. */
const LONG_MS = 3000;

export class Reasoning {
  readonly element: HTMLElement;
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
  readonly element: HTMLElement;
  #texts: Texts;
  #label = make("span");
  #inside = make("div", { class: "inside" });
  #calls: readonly ToolCallView[] | null = null;
  /** When calls were first seen at work, by their ids. */
  #since = new Map<string, number>();
  #timer = 0;

  constructor(texts: Texts) {
    this.#texts = texts;
    const summary = make("summary", {}, icon("tool"), this.#label, icon("chevron"));
    this.element = make("details", { class: "folded activity" }, summary, this.#inside);
  }

  update(message: MessageView): void {
    const calls = shownCalls(message);
    const running = calls.findLast((call) => call.status === "running");
    this.element.hidden = calls.length === 0;
    this.element.classList.toggle("busy", running !== undefined);
    this.#tell(calls, running);
    if (this.#calls !== null && sameCalls(this.#calls, calls)) return;
    this.#calls = calls;
    fill(this.#inside, ...calls.map((call) => callDetails(call, this.#texts)));
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** Says what goes on, and again each second as long as it does. */
  #tell(calls: readonly ToolCallView[], running: ToolCallView | undefined): void {
    clearTimeout(this.#timer);
    const time = running === undefined ? "" : this.#time(running.id);
    setText(this.#label, this.#summary(calls, running) + time);
    if (running !== undefined) this.#timer = window.setTimeout(() => this.#tell(calls, running), 1000);
  }

  #time(id: string): string {
    const since = this.#since.get(id) ?? performance.now();
    this.#since.set(id, since);
    const passed = performance.now() - since;
    const seconds = formatNumber(Math.floor(passed / 1000), this.#texts);
    return passed < LONG_MS ? "" : ` · ${this.#texts.duration(seconds)}`;
  }

  #summary(calls: readonly ToolCallView[], running: ToolCallView | undefined): string {
    if (running !== undefined) return callLabel(running, this.#texts);
    const only = calls[0];
    if (only === undefined) return "";
    if (calls.length > 1) return this.#texts.usedTools(calls.length);
    const label = callLabel(only, this.#texts);
    const how = { error: this.#texts.toolFailed, cancelled: this.#texts.stopped }[only.status as string];
    return how === undefined ? label : `${label} · ${how}`;
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

function sameCalls(before: readonly ToolCallView[], now: readonly ToolCallView[]): boolean {
  return before.length === now.length && before.every((call, at) => call === now[at]);
}

function callDetails(call: ToolCallView, texts: Texts): HTMLElement {
  const head = make(
    "div",
    { class: "call-head" },
    make("span", { title: label(call.name) }, label(callLabel(call, texts))),
    callState(call, texts),
  );
  return make(
    "div",
    { class: "call" },
    head,
    call.result
      ? make("div", { class: "result", dir: "auto" }, readResult(call.result))
      : argumentList(call.arguments ?? {}),
    call.error === null ? null : make("div", { class: "failed" }, call.error),
  );
}

function callState(call: ToolCallView, texts: Texts): HTMLElement {
  if (call.status === "error") return make("span", { class: "failed" }, texts.toolFailed);
  if (call.status === "cancelled") return make("span", {}, texts.stopped);
  if (call.status !== "ok") return make("span", {}, call.status === "running" ? "…" : texts.toolWaits);
  return make(
    "span",
    {},
    call.durationMs === null ? "" : texts.duration(formatNumber(call.durationMs / 1000, texts, 1)),
  );
}

/** Returns the arguments of a call, one in a line. */
export function argumentList(values: Readonly<Record<string, unknown>>): HTMLElement | null {
  const entries = Object.entries(values);
  if (entries.length === 0) return null;
  const lines = entries.flatMap(([name, value]) => [make("dt", {}, name), make("dd", { dir: "auto" }, inWords(value))]);
  return make("dl", { class: "arguments" }, ...lines);
}

function inWords(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
