/** The conversation that a chat shows: its turns, and what is known of it. Left for another one, it is never shown again. */
import type { News } from "./conversations";
import { emptyAnswer } from "./reduce";
import type { Run } from "./run";
import { foldMessages, type StoredMessage } from "./transcript";
import { messagesOf, type Turn, turnOf } from "./turn";
import type { AnswerView, ChatView, ErrorView, MessageView } from "./types";

export class Thread {
  /** Null until the server has told it. */
  declare id: string | null;
  title: string | null = null;
  error: ErrorView | null = null;
  turns: readonly Turn[] = [];
  /** What `open` does; what is sent meanwhile waits for it. */
  loading: Promise<void> | null = null;
  /** The last message that was sent: until a new conversation has an id, the next one waits for it. */
  sending = Promise.resolve();
  /** Reads the runs that were not sent from here, one after the other. */
  declare finder?: Run;
  /** Whether there may be such a run that was not looked for yet. */
  mayGoOn = false;
  /** Which version of it was read last. */
  declare version?: string;
  declare summary?: ChatView["summary"];
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
    const turn: Turn = { runId: user?.runId ?? null, user, answer: null };
    this.turns = [...this.turns, turn];
    return turn;
  }

  /**
   * Takes over what the server has, and says whether that is news, or something waits for its answer. Turns that are read
   * here, and those that the server has not heard of, stay what they are. While one of these is on its way nothing is taken
   * over.
   */
  merge({ items, ...told }: News): boolean {
    const turns = this.turns;
    if (turns.some((turn) => isBusy(turn) && !turn.run!.answer.runId)) return false;
    Object.assign(this, told);
    for (const item of items) this.#stored.set(item.id, item);
    const next: Turn[] = foldMessages(this.#stored.values()).map((stored) => {
      const turn = turnOf(turns, stored.runId);
      const run = turn?.run;
      // Until nobody reads it any more, a run tells more than what is stored.
      const stays = run
        ? isBusy(turn) || run.answer.usage || !run.answer.runId || !stored.answer
        : !items.some((item) => item.run_id === stored.runId);
      return (stays && turn) || stored;
    });
    // What the server does not know: it was not told, or it has dropped it and says so when it ends.
    const others = turns.filter((turn) => !turnOf(next, turn.runId) && (isBusy(turn) || !turn.runId));
    this.turns = [...next, ...others];
    return next.some((turn) => !turns.includes(turn) || (!turn.run && !turn.answer));
  }

  /** Takes a turn out, and all that came after it. */
  cut(turn: Turn): void {
    this.turns = this.turns.slice(0, this.turns.indexOf(turn));
  }

  /** Learns what a turn's run has told. Returns whether that is news of the user's message: it was taken, or never will be. */
  learn(turn: Turn, told: AnswerView): boolean {
    const user = turn.user;
    if (told.id) turn.answer = told;
    this.id ??= told.conversationId ?? null;
    this.title = told.title ?? this.title;
    const runId = (turn.runId = told.runId ?? turn.runId);
    const sent = runId ? "completed" : told.status === "streaming" ? "sending" : told.status;
    if (!user || (user.runId === runId && user.status === sent)) return false;
    this.turns = [...this.turns]; // what was read before is outdated
    turn.user = { ...user, runId, status: sent, error: runId ? null : told.error };
    return true;
  }

  /** Shows what the user thinks of an answer, where it is one of these. */
  rate(id: string | undefined, feedback: "up" | "down" | undefined): void {
    const rated = this.turns.find(({ answer }) => answer?.id === id);
    for (const one of [rated, rated?.run]) if (feedback && one?.answer) one.answer = { ...one.answer, feedback };
  }

  look(connection: ChatView["connection"]): ChatView {
    const { id: conversationId, title, turns } = this;
    const { suggestions, error } = turns.at(-1)?.run?.answer ?? emptyAnswer;
    return {
      conversationId,
      title,
      summary: this.summary,
      messages: messagesOf(turns),
      phase: this.loading ? "loading" : (turns.find(isBusy)?.run?.phase ?? "idle"),
      suggestions,
      error: this.error ?? error,
      connection,
    };
  }
}

function isBusy({ run }: Turn): boolean {
  return !!run && run.phase !== "idle";
}
