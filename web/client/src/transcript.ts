/** Stored messages as a page shows them: one message of the user and one answer for each run. */
import { camel } from "./camel";
import { emptyAnswer, reduce } from "./reduce";
import type { AnswerView, MessageView } from "./types";
import type { ToolCallChanged, WireEvent } from "./wire";

/** A message as the server stores it. */
export interface StoredMessage {
  readonly id: string;
  readonly run_id: string;
  readonly role: "user" | "assistant" | "tool";
  readonly text: string;
  readonly status: string;
  readonly created_at: string;
  readonly tool_calls: readonly { id: string; name: string; arguments: Record<string, unknown> }[];
  readonly tool_call_id: string;
  readonly tool_name: string;
  readonly is_error: boolean;
}

/** A user's message and its answer. */
export interface Exchange {
  user: MessageView | null;
  answer: AnswerView | null;
}

/** Returns the exchanges of a conversation, oldest first: what streams would have told of them. */
export function exchanges(messages: readonly StoredMessage[]): Exchange[] {
  const found: Record<string, Exchange> = {};
  for (const message of messages) {
    const { id, runId, role, text, createdAt, toolCalls, toolCallId, ...others } = camel(message);
    const exchange = (found[runId] ??= { user: null, answer: null });
    const before = exchange.answer ?? emptyAnswer;
    const status = others.status === "partial" ? "partial" : "completed";
    if (role === "user") exchange.user = { ...emptyAnswer, id, runId, role, text, createdAt, status };
    else if (role === "tool") {
      const result = others.isError ? { status: "error", error: text } : { status: "ok" };
      const event = { tool_call: { id: toolCallId, name: others.toolName, ...result } } as ToolCallChanged;
      exchange.answer = { ...reduce(before, event), status };
    } else {
      const events: WireEvent[] = [
        { token: before.text && text ? `\n\n${text}` : text }, // as between two steps of a stream
        { tools_used: toolCalls.map((call) => call.name) },
        ...toolCalls.map((call) => ({ tool_call: { ...call, status: "error" as const } })),
      ];
      exchange.answer = { ...events.reduce(reduce, before), id, runId, createdAt, status };
    }
  }
  return Object.values(found);
}
