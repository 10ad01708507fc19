/** What happens behind an answer: the model's thoughts and its calls of tools, folded until somebody asks. */
import type { MessageView, ToolCallView } from "@frontdesk/client";
import { label } from "./bounds";
import { fill, make, setText } from "./dom";
import { icon } from "./icons";
import { formatNumber } from "./format";
import type { Texts } from "./texts";
import { callLabel } from "./tools";

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
    setText(this.#label, this.#summary(calls, running));
    if (this.#calls !== null && sameCalls(this.#calls, calls)) return;
    this.#calls = calls;
    fill(this.#inside, ...calls.map((call) => callDetails(call, this.#texts)));
  }

  #summary(calls: readonly ToolCallView[], running: ToolCallView | undefined): string {
    if (running !== undefined) return callLabel(running, this.#texts);
    const only = calls[0];
    if (only === undefined) return "";
    if (calls.length > 1) return this.#texts.usedTools(calls.length);
    const label = callLabel(only, this.#texts);
    return only.status === "error" ? `${label} · ${this.#texts.toolFailed}` : label;
  }
}

/** Returns the calls to show; an answer that did not stream has only the names of its tools. What the page does has a place of its own. */
function shownCalls(message: MessageView): readonly ToolCallView[] {
  const actions = new Set(message.actions.map((action) => action.type));
  const calls = message.toolCalls.filter((call) => !actions.has(call.name));
  const isOver = !["streaming", "awaiting_input"].includes(message.status);
  // The end of a run is the end of its calls, also of those that did not live to tell.
  if (isOver && calls.length > 0)
    return calls.map((call) => (call.status === "ok" ? call : { ...call, status: "error" }));
  if (calls.length > 0) return calls;
  return message.toolsUsed.map((name) => ({
    id: name,
    name,
    status: "ok",
    arguments: null,
    durationMs: null,
    error: null,
  }));
}

function sameCalls(before: readonly ToolCallView[], now: readonly ToolCallView[]): boolean {
  return before.length === now.length && before.every((call, at) => call === now[at]);
}

function callDetails(call: ToolCallView, texts: Texts): HTMLElement {
  const head = make("div", { class: "call-head" }, make("code", {}, label(call.name)), callState(call, texts));
  return make(
    "div",
    { class: "call" },
    head,
    call.arguments === null ? null : argumentList(call.arguments),
    call.error === null ? null : make("div", { class: "failed" }, call.error),
  );
}

function callState(call: ToolCallView, texts: Texts): HTMLElement {
  if (call.status === "error") return make("span", { class: "failed" }, texts.toolFailed);
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
