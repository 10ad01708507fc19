/** The conversation that a chat shows: its turns, and what is known of it. Left for another one, it is never shown again. */
import type { Run } from "./run";
import { messagesOf, type Turn } from "./turn";
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
  isLeft = false;

  constructor(id: string | null) {
    this.id = id;
  }

  /** Ends the reading. Its runs go on. */
  close(): void {
    this.isLeft = true;
    this.finder?.close();
    for (const { run } of this.turns) run?.close();
    this.turns = [];
  }

  add(user: MessageView | null): Turn {
    const turn: Turn = { user, answer: null };
    this.turns = [...this.turns, turn];
    return turn;
  }

  /** Takes a turn out, and all that came after it. */
  cut(turn: Turn): void {
    this.turns = this.turns.slice(0, this.turns.indexOf(turn));
  }

  /** Learns what a turn's run has told: about the conversation, and whether the user's message arrived. */
  learn(turn: Turn, { status, ...told }: AnswerView): void {
    const { user } = turn;
    this.id ??= told.conversationId ?? null;
    this.title = told.title ?? this.title;
    const runId = told.runId ?? user?.runId ?? null;
    const sent = runId ? "completed" : status === "streaming" ? "sending" : status;
    if (user && user.status !== sent) turn.user = { ...user, runId, status: sent };
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
