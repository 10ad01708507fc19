/** The card of a question in a conversation, from when it is asked until the conversation is left. */
import type { ApprovalView, Chat, Decision, ErrorView, MessageView } from "@frontdesk/client";
import type { WidgetContext } from "../context";
import { problemText } from "../problem";
import { rememberAlways } from "./always";
import { adopt } from "./look";
import { Question } from "./question";
import { type Words, wordsFor } from "./words";

/** The cards that are open, by the chat that they stand in, in their order. */
const open = new WeakMap<Chat, Set<Card>>();

export class Card {
  #element: HTMLElement;
  #context: WidgetContext;
  #words: Words;
  #question: Question | null = null;
  #approval: ApprovalView | null = null;
  /** What was said here. */
  #said: Decision | null = null;
  #isSettled = false;
  /** What became of it, in a word. */
  #state = "";
  /** When it is over, by the clock of here; never, where that is so far off that it was over before it was asked. */
  #endsAt = Infinity;

  constructor(element: HTMLElement, context: WidgetContext) {
    this.#element = element;
    this.#context = context;
    this.#words = wordsFor(context.texts.language);
  }

  /** Shows what is asked, or what became of it; returns whether there is anything to show. */
  update(approval: ApprovalView | undefined, message: MessageView): boolean {
    adopt(this.#element);
    if (approval && approval.hash !== this.#approval?.hash) this.#ask(approval);
    const before = this.#approval;
    if (!before) return false;
    if (!approval) {
      this.#settle(this.#outcome(before, message));
      this.#element.ariaLabel = this.#state;
    } else if (approval.decision) this.#settle(approval.decision);
    else if (this.#isOver || (isPast(approval) && !isMade(message))) this.#settle("expired");
    return true;
  }

  close(): void {
    this.#question?.close();
    this.#leave();
  }

  get #isOver(): boolean {
    return this.#endsAt <= Date.now();
  }

  get #isReady(): boolean {
    return this.#question?.isReady === true;
  }

  /** Whether a yes to all may count for this one: not while something is being written here. */
  get #wasReady(): boolean {
    return this.#question?.wasReady === true && !this.#question.isWriting;
  }

  offerAll(cards: readonly Card[]): void {
    const isReady = () => this.#isReady && cards.every((card) => card.#wasReady);
    const all = () => isReady() && cards.forEach((card) => card.#question?.approve());
    this.#question?.offerAll(cards.length, isReady(), all);
  }

  /** Whether it stands below another one. */
  isBelow(other: Card): boolean {
    return (other.#element.compareDocumentPosition(this.#element) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
  }

  #ask(approval: ApprovalView): void {
    this.#question?.close();
    this.#endsAt = isPast(approval) ? Infinity : Date.parse(approval.expiresAt);
    this.#approval = approval;
    this.#isSettled = false;
    this.#element.classList.remove("settled");
    const decide = (decision: Decision) => this.#decide(approval, decision);
    this.#question = new Question(this.#element, this.#context, this.#words, approval, decide);
    this.#question.onChange = () => (this.#isOver ? this.#settle("expired") : offer(this.#context.chat));
    if (!approval.approvers) setOf(this.#context.chat).add(this);
    offer(this.#context.chat);
  }

  async #decide({ toolCallId }: ApprovalView, decision: Decision): Promise<string | null> {
    const { chat, texts, options } = this.#context;
    const before = chat.view.error;
    this.#said = decision;
    await chat.decide(toolCallId, decision);
    const error = chat.view.error as (ErrorView & { outcome?: string; status?: number }) | null;
    if (error === null || error === before) {
      if (decision.always) rememberAlways(options.memory, chat.view.conversationId);
      this.#settle(decision.approve ? "approved" : "denied");
      return null;
    }
    this.#said = null;
    if (error.outcome) this.#settle(error.outcome);
    return error.status === 422 ? error.message : problemText(error, texts);
  }

  /** Returns what became of a question that is not asked any more, and was not answered here. */
  #outcome(approval: ApprovalView, { toolCalls, status }: MessageView): string {
    if (this.#said) return this.#said.approve ? "approved" : "denied";
    const call = toolCalls.find(({ id }) => id === approval.toolCallId);
    if (call?.status === "ok" || call?.status === "running") return "approved";
    if (this.#isOver) return "expired";
    return status === "cancelled" ? "withdrawn" : "denied";
  }

  #settle(outcome: string): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#leave();
    const { approved, denied, expired, withdrawn, byYou, byYouChanged, notDone } = this.#words;
    const told: Record<string, string> = { approved, expired, withdrawn };
    const { arguments: edited, reason } = this.#said ?? {};
    const mine = edited ? byYouChanged : reason ? `${byYou}: ${reason}` : byYou;
    const about = this.#said ? mine : outcome === "expired" ? notDone : "";
    this.#state = told[outcome] ?? denied;
    this.#question?.settle(this.#state, about, outcome === "approved");
    if (!this.#said) this.#context.narrator.live.say(this.#state);
  }

  #leave(): void {
    setOf(this.#context.chat).delete(this);
    offer(this.#context.chat);
  }
}

function isPast({ expiresAt }: ApprovalView): boolean {
  return Date.parse(expiresAt) <= Date.now();
}

function isMade({ status }: MessageView): boolean {
  return status === "streaming" || status === "awaiting_input";
}

function setOf(chat: Chat): Set<Card> {
  const cards = open.get(chat) ?? new Set();
  open.set(chat, cards);
  return cards;
}

/** Where several are open, the last one offers to say yes to all; whichever came first, as they come while their file is loaded. */
function offer(chat: Chat): void {
  const cards = [...setOf(chat)].sort((one, other) => (one.isBelow(other) ? 1 : -1));
  for (const card of cards) card.offerAll(card === cards.at(-1) && cards.length > 1 ? cards : []);
}
