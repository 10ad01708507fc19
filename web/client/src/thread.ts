/** The conversation that a chat shows: its turns, and what is known of it. Left for another one, it is never shown again. */
import type { News } from "./conversations";
import type { Run } from "./run";
import { foldMessages, type StoredMessage } from "./transcript";
import { messagesOf, runIdOf, type Turn } from "./turn";
import type { AnswerView, ChatView, ErrorView, MessageView } from "./types";

export class Thread {
  /** Null until the server has told it. */
  id: string | null;
  title: string | null = null;
  error: ErrorView | null = null;
  turns: readonly Turn[] = [];
  /** What `open` does; what is sent meanwhile waits for it. */
  loading: Promise<void> | null = null;
  /** The last message that was sent: until a new conversation has an id, the next one waits for it. */
  sending = Promise.resolve();
  /** Looks for the active run of a conversation that was opened. */
  finder?: Run;
  /** Which version of it was read last. */
  version?: string;
  /** Read anew once at a time. */
  reading = Promise.resolve();
  #stored = new Map<string, StoredMessage>();

  constructor(id: string | null) {
    this.id = id;
  }

  /** Ends the reading. Its runs go on. */
  close(): void {
    this.finder?.close();
    for (const { run } of this.turns) run?.close();
    this.turns = [];
  }

  add(user: MessageView | null): Turn {
    const turn: Turn = { user, answer: null };
    this.turns = [...this.turns, turn];
    return turn;
  }

  /**
   * Takes over what the server has, and says whether that is news. Turns that are read here, and those that the server has
   * not heard of, stay what they are. While one of these is on its way nothing is taken over.
   */
  merge({ items, title, version }: News): boolean {
    const { turns } = this;
    if (turns.some(({ run }) => run && run.phase !== "idle" && !run.answer.runId)) return false;
    this.title = title;
    this.version = version;
    for (const item of items) {
      this.#stored.delete(item.id); // what has changed is told in its new order
      this.#stored.set(item.id, item);
    }
    const told = foldMessages(this.#stored.values()).map((next) => {
      const turn = turns.find((one) => runIdOf(one) === runIdOf(next));
      return turn && (turn.run || turn.answer?.text === next.answer?.text) ? turn : next;
    });
    this.turns = [...told, ...turns.filter((turn) => !runIdOf(turn))];
    return told.some((turn) => !turns.includes(turn));
  }

  /** Takes a turn out, and all that came after it. */
  cut(turn: Turn): void {
    this.turns = this.turns.slice(0, this.turns.indexOf(turn));
  }

  /** Learns what a turn's run has told: about the conversation, and whether the user's message arrived. */
  learn(turn: Turn, { status, error, ...told }: AnswerView): void {
    const { user } = turn;
    this.id ??= told.conversationId ?? null;
    this.title = told.title ?? this.title;
    const runId = told.runId ?? user?.runId ?? null;
    const sent = runId ? "completed" : status === "streaming" ? "sending" : status;
    if (user && user.status !== sent) turn.user = { ...user, runId, status: sent, error: runId ? null : error };
  }

  /** Shows what the user thinks of an answer, where it is one of these. */
  rate(id: string | undefined, feedback: "up" | "down" | undefined): void {
    const rated = this.turns.flatMap((turn) => [turn, turn.run]).find((one) => one?.answer?.id === id);
    if (rated?.answer && feedback) rated.answer = { ...rated.answer, feedback };
  }

  look(connection: ChatView["connection"]): ChatView {
    const { id: conversationId, title, turns, loading, error } = this;
    const last = turns.at(-1)?.run?.answer;
    const busy = turns.find(({ run }) => run && run.phase !== "idle")?.run;
    return {
      conversationId,
      title,
      messages: messagesOf(turns),
      phase: loading ? "loading" : (busy?.phase ?? "idle"),
      suggestions: last?.suggestions ?? [],
      error: error ?? last?.error ?? null,
      connection,
    };
  }
}
