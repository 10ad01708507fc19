/**
 * Tells people who do not see the screen what happens: states, and an answer's sentences as each is finished, never its
 * tokens.
 */
import type { ChatView, MessageView } from "@frontdesk/client";
import { LiveRegion } from "./live";
import { errorOf, problemText } from "./problem";
import type { Texts } from "./texts";
import { callLabel } from "./tools";

export class Narrator {
  readonly live = new LiveRegion();
  readonly urgent = new LiveRegion("assertive");
  #texts: Texts;
  #sentences: Intl.Segmenter;
  /** How many sentences of the open block were said. */
  #said = 0;
  #view: ChatView | null = null;

  constructor(texts: Texts) {
    this.#texts = texts;
    this.#sentences = new Intl.Segmenter(texts.language, { granularity: "sentence" });
  }

  /** Says what is new in the view. The first view is not news. */
  update(view: ChatView): void {
    const before = this.#view;
    this.#view = view;
    if (before === null || before === view || before.phase === "loading" || view.phase === "loading") return;
    if (before.connection !== view.connection) {
      const away = navigator.onLine ? this.#texts.errors.network : this.#texts.offline;
      this.live.say(view.connection === "offline" ? away : this.#texts.backOnline);
    }
    if (before.phase !== view.phase) this.#sayPhase(before, view);
    const last = view.messages.at(-1);
    const known = before.messages.find((message) => message.id === last?.id);
    if (last?.role === "assistant" && last !== known) this.#sayMessage(known, last);
    if (view.error !== null && view.error !== before.error) {
      this.urgent.say(problemText(errorOf(view.error, view), this.#texts));
    }
  }

  /** A block of the answer that is being made will not change any more. */
  settled(block: Element): void {
    const sentences = this.#split(spoken(block, this.#texts));
    this.live.say(sentences.slice(this.#said).join(" "));
    this.#said = 0;
  }

  /** The block that is being written; only plain paragraphs are read before they are whole. */
  open(block: Element | null): void {
    if (block === null || block.childElementCount !== 1 || block.firstElementChild?.localName !== "p") return;
    const finished = this.#split(block.textContent ?? "").slice(0, -1);
    if (finished.length <= this.#said) return;
    this.live.say(finished.slice(this.#said).join(" "));
    this.#said = finished.length;
  }

  #sayPhase(before: ChatView, view: ChatView): void {
    if (view.phase === "sending" && before.phase === "idle") this.live.say(this.#texts.answering);
    if (view.phase === "reconnecting") this.live.say(this.#texts.reconnecting);
    if (before.phase === "reconnecting" && view.phase === "streaming") this.live.say(this.#texts.backOnline);
  }

  #sayMessage(before: MessageView | undefined, message: MessageView): void {
    for (const call of message.toolCalls) {
      const known = before?.toolCalls.find((other) => other.id === call.id);
      if (known?.status !== call.status && call.status === "running") this.live.say(callLabel(call, this.#texts));
    }
    const approval = message.approvals.at(-1);
    if (approval !== undefined && approval.decision === null && message.approvals.length !== before?.approvals.length) {
      this.urgent.say(`${this.#texts.approval}: ${approval.title}`);
    }
    if (before === undefined || before.status === message.status) return;
    if (message.status === "completed") this.live.say(this.#texts.answered);
    if (message.status === "cancelled") this.live.say(this.#texts.stopped);
  }

  #split(text: string): string[] {
    return [...this.#sentences.segment(text)].map(({ segment }) => segment.trim()).filter(Boolean);
  }
}

/** Returns a block's text as it should be read: code is only named, cells and items are set apart. */
function spoken(block: Element, texts: Texts): string {
  const words: string[] = [];
  for (const node of Array.from(block.childNodes)) {
    if (!(node instanceof Element)) words.push(node.textContent ?? "");
    else if (node.matches(".code")) words.push(`${texts.code}. `);
    else if (node.matches("td, th")) words.push(spoken(node, texts), ", ");
    else if (node.matches("li, tr, p, h3")) words.push(spoken(node, texts), "\n");
    else words.push(spoken(node, texts));
  }
  return words.join("");
}
