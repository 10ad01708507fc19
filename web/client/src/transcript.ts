/** Stored messages as a page shows them: one message of the user and one answer for each run. */
import { reduce } from "./reduce";
import { newMessage } from "./turn";
import type { AnswerView, FileView, MessageStatus, MessageView } from "./types";
import type { SourceCited, ToolCallChanged, WireEvent } from "./wire";

/** A message as the server stores it. */
export interface StoredMessage {
  readonly id: string;
  readonly run_id: string;
  readonly role: "user" | "assistant" | "tool";
  readonly text: string;
  /** Servers that know of none leave it out. */
  readonly files?: readonly FileView[];
  readonly status: string;
  readonly created_at: string;
  readonly tool_calls: readonly {
    id: string;
    name: string;
    arguments: Record<string, unknown>;
    label?: string;
    done?: string;
  }[];
  readonly tool_call_id: string;
  readonly tool_name: string;
  readonly is_error: boolean;
  readonly sources?: readonly SourceCited["source"][];
  readonly turn: number;
  readonly position: number;
  /** Of one that was answered by several models: which of its answers this belongs to. */
  readonly lane?: number;
  /** The turn that took the place of this one, and of those between the two: its own, where another lane is the answer; null while the message counts. */
  readonly superseded_by: number | null;
}

/** A user's message and its answer. */
export interface Exchange {
  /** The run it is known by; null before the server has taken it. */
  runId: string | null;
  user: MessageView | null;
  answer: AnswerView | null;
}

/** Returns the exchanges that count, oldest first, as streams would have told them; what they took the place of as versions. */
export function foldMessages(messages: Iterable<StoredMessage>): Exchange[] {
  /** By turn, and so in their order. */
  const counting: Record<string, Exchange> = {};
  const superseded: Record<string, Exchange> = {};
  /** By the turn that took the place of them and of all up to it. */
  const replaced: Record<number, Exchange> = {};
  for (const message of [...messages].sort(inOrder)) {
    const {
      id,
      run_id: runId,
      role,
      text,
      created_at: createdAt,
      superseded_by: replacedBy,
      turn,
      files = [],
    } = message;
    const exchange = ((replacedBy ? superseded : counting)[replacedBy ? runId : turn] ??= {
      runId,
      user: null,
      answer: null,
    });
    const old = replaced[turn];
    if (replacedBy) replaced[replacedBy] = exchange;
    const before = exchange.answer ?? newMessage({}, old?.answer);
    const status: MessageStatus = message.status === "partial" ? "partial" : "completed";
    if (role === "user") exchange.user = newMessage({ id, runId, role, text, createdAt, status, files }, old?.user);
    else if (role === "tool") {
      const result = message.is_error ? { status: "error", error: text } : { status: "ok", result: text };
      const event = { tool_call: { id: message.tool_call_id, name: message.tool_name, ...result } } as ToolCallChanged;
      const given = files.map((file) => ({ file: { ...file, tool_call_id: message.tool_call_id } }));
      exchange.answer = { ...[event, ...(given as unknown as WireEvent[])].reduce(reduce, before), status };
    } else {
      const events: WireEvent[] = [
        { token: before.text && text ? `\n\n${text}` : text }, // as between two steps of a stream
        { tools_used: message.tool_calls.map((call) => call.name) },
        // Without a result it was stopped, as long as nobody says another thing.
        ...message.tool_calls.map(
          (call) => ({ tool_call: { ...call, status: "cancelled" } }) as unknown as ToolCallChanged,
        ),
      ];
      const answer = events.reduce(reduce, before);
      exchange.answer = { ...answer, id, runId, createdAt, status, sources: message.sources ?? [] }; // those of all steps
      exchange.runId = runId; // that of the question is the first lane's
    }
  }
  return Object.values(counting);
}

/**
 * Versions come before what took their place: of several turns the first one last, so that it is the version, and of the lanes of
 * a turn each after the other, so that the last one has the others.
 */
function inOrder(one: StoredMessage, other: StoredMessage): number {
  return (
    (one.superseded_by || Infinity) - (other.superseded_by || Infinity) ||
    other.turn - one.turn ||
    one.lane! - other.lane!
  );
}
