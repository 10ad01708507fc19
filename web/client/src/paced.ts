/** Text that comes in bursts, shown evenly, as if it were typed. An entry of its own: who does not want it does not load it. */
import { tell } from "./page-requests";
import type { Chat, ChatView, MessageView } from "./types";

/** So long after a piece came, all of it is shown: with a late timer within 200 ms. */
const SPREAD_MS = 150;
const TICK_MS = 16;
const BUSY = ["sending", "streaming", "reconnecting", "awaiting_input"];

/** A piece of a text: shown from `begin` to `end`, after which `length` characters of the text stand there. */
interface Piece {
  readonly begin: number;
  readonly end: number;
  readonly length: number;
}

/**
 * Returns the same chat, whose answers grow evenly, at most 200 ms behind what has come. Until all of an answer is shown it is
 * `streaming`. At once is shown what was stored, what was stopped, and everything while the page is hidden or its user wants
 * less motion. Make it once for a chat; closing it closes the chat.
 */
export function paced(chat: Chat): Chat {
  if (!globalThis.Intl?.Segmenter) return chat; // a browser that cannot tell characters apart
  const subscribers = new Set<(view: ChatView) => void>();
  const characters = new Intl.Segmenter();
  let raw = chat.view;
  let view = raw;
  let pieces: Piece[] = [];
  /** How much of the last message is shown. */
  let shown = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const leave = chat.subscribe((next) => {
    const before = raw;
    raw = next;
    const last = next.messages.at(-1);
    const known = textOf(before, last);
    if (before.messages.at(-1)?.id !== last?.id) pieces = [];
    const isMade = pieces.length > 0 || BUSY.includes(before.phase);
    const isGrowing = isMade && isPaced(next, last) && last!.text.startsWith(known.slice(0, shown));
    if (!isGrowing) pieces = [];
    if (!pieces.length) shown = known.length;
    if (isGrowing && last!.text.length > known.length) {
      const now = performance.now(); // no clock that somebody sets
      // One after the other: a piece begins when the one before it is shown.
      const begin = Math.max(now, pieces.at(-1)?.end ?? 0);
      pieces.push({ begin, end: now + SPREAD_MS, length: last!.text.length });
    }
    draw();
  });

  function draw(): void {
    clearTimeout(timer);
    const now = performance.now();
    while (pieces[0] && pieces[0].end <= now) shown = pieces.shift()!.length;
    view = pieces.length ? partly(now) : raw;
    if (pieces.length) timer = setTimeout(draw, TICK_MS);
    tell(subscribers, view);
  }

  /** Returns the view with as much of the last message as is due. */
  function partly(now: number): ChatView {
    const { begin, end, length } = pieces[0]!;
    const last = raw.messages.at(-1)!;
    const part = Math.max(0, now - begin) / (end - begin);
    const rest = last.text.slice(shown, length);
    const due = Math.floor(rest.length * part);
    // What people see as one character comes as one.
    const text = last.text.slice(0, shown + (characters.segment(rest).containing(due)?.index ?? 0));
    const phase = BUSY.includes(raw.phase) ? raw.phase : "streaming";
    const message: MessageView = { ...last, text, status: "streaming", error: null };
    return { ...raw, phase, messages: [...raw.messages.slice(0, -1), message], suggestions: [], error: null };
  }

  return {
    ...chat,
    get view() {
      return view;
    },
    get actions() {
      return chat.actions;
    },
    set actions(actions) {
      chat.actions = actions;
    },
    get tools() {
      return chat.tools;
    },
    set tools(tools) {
      chat.tools = tools;
    },
    subscribe(listener) {
      subscribers.add(listener);
      return () => subscribers.delete(listener);
    },
    close() {
      leave();
      clearTimeout(timer);
      chat.close();
    },
  };
}

/** Returns what a view says already of a message. */
function textOf({ messages }: ChatView, message: MessageView | undefined): string {
  return messages.find(({ id }) => id === message?.id)?.text ?? "";
}

/** Whether the last message is an answer that somebody watches as it grows. */
function isPaced({ phase }: ChatView, last: MessageView | undefined): boolean {
  if (last?.role !== "assistant" || !["streaming", "awaiting_input", "completed"].includes(last.status)) return false;
  const { document, matchMedia } = globalThis;
  if (document?.hidden || matchMedia?.("(prefers-reduced-motion: reduce)").matches) return false;
  return phase !== "loading";
}
