/** The fold of a run's events: pure, and equal to what the server stores and to its JSON answer. */
import { camel } from "./camel";
import type { AnswerView, ErrorView, FileView, ToolCallView } from "./types";
import type {
  ActionRequested,
  ErrorRaised,
  RunEnded,
  RunStarted,
  SourceCited,
  ToolCallChanged,
  WireEvent,
} from "./wire";

/** What a server answers that does not stream (wire.md §1). */
export interface JsonAnswer extends RunStarted {
  readonly response: string;
  readonly tools_used: readonly string[];
  readonly actions: readonly ActionRequested["action"][];
  readonly suggested_questions: readonly string[];
  readonly status: RunEnded["status"];
  readonly usage: RunEnded["usage"];
  readonly files?: readonly FileView[];
  readonly reasoning?: string;
  readonly sources?: readonly SourceCited["source"][];
  readonly title?: string;
  readonly error?: ErrorRaised["error"];
}

/** An answer before its first event. */
export const emptyAnswer: AnswerView = {
  reasoning: "",
  toolCalls: [],
  sources: [],
  files: [],
  approvals: [],
  clientTools: [],
  error: null,
  id: "",
  runId: null,
  role: "assistant",
  text: "",
  toolsUsed: [],
  actions: [],
  status: "streaming",
  feedback: null,
  createdAt: "",
  versions: [],
  suggestions: [],
};

/** Returns the answer after one more event. Events come in order; unknown ones change nothing. A JSON answer tells all at once. */
export function reduce(answer: AnswerView, event: WireEvent | JsonAnswer): AnswerView {
  /** With these changes, and going on: it waits neither for its user nor for a token. */
  const going = (changes: Partial<AnswerView>): AnswerView => ({
    ...answer,
    status: "streaming",
    authRequiredUntil: null,
    ...changes,
  });
  if ("conversation_id" in event) {
    const {
      messageId: id,
      response: text = answer.text,
      suggestedQuestions: suggestions = [],
      error,
      ...told
    } = camel(event as JsonAnswer);
    return { ...answer, ...told, id, text, suggestions, error: error ? errorView(error) : null };
  }
  if ("snapshot" in event) {
    const { messageId: id, ...told } = camel(event.snapshot);
    return going({
      reasoning: "",
      toolCalls: [],
      sources: [],
      files: [],
      approvals: [],
      clientTools: [],
      error: null,
      id,
      ...told,
    });
  }
  if ("token" in event) return going({ text: answer.text + event.token });
  if ("reasoning" in event) return going({ reasoning: answer.reasoning + event.reasoning });
  if ("tools_used" in event) return going({ toolsUsed: [...new Set([...answer.toolsUsed, ...event.tools_used])] });
  if ("tool_call" in event) return going(withToolCall(answer, event.tool_call));
  if ("source" in event) return going({ sources: [...answer.sources, event.source] });
  if ("action" in event) return going({ actions: [...answer.actions, event.action] });
  if ("file" in event) return going({ files: [...answer.files, event.file] });
  if ("approval" in event)
    return going({ approvals: [...answer.approvals, { ...camel(event.approval), decision: null }] });
  if ("client_tool" in event) return going({ clientTools: [...answer.clientTools, camel(event.client_tool)] });
  if ("auth_required" in event) return { ...answer, authRequiredUntil: event.auth_required.expires_at };
  if ("status" in event)
    return going({
      ...camel(event),
      toolCalls: /awaiting/.test(event.status) ? answer.toolCalls : answer.toolCalls.map(ended),
    });
  if ("error" in event) return going({ error: errorView(event.error) });
  if ("title" in event) return { ...answer, ...event };
  if ("suggested_questions" in event) return { ...answer, suggestions: event.suggested_questions };
  return answer;
}

const emptyCall = { arguments: null, durationMs: null, error: null, label: null, done: null, result: null };

/** Returns a call as it is when its run has ended: one that was under way is no failure. */
function ended(call: ToolCallView): ToolCallView {
  return /ok|error/.test(call.status) ? call : { ...call, status: "cancelled" };
}

/** Puts in what changed of a tool call. One that no longer waits was decided, or has its result. */
function withToolCall(answer: AnswerView, changed: ToolCallChanged["tool_call"]): Partial<AnswerView> {
  const { id, status } = changed;
  const { toolCalls, approvals, clientTools } = answer;
  const before = toolCalls.find((call) => call.id === id);
  const call = { ...emptyCall, ...before, ...camel(changed) };
  const stays = ({ toolCallId }: { toolCallId: string }) => toolCallId !== id || /awaiting/.test(status);
  return {
    toolCalls: before ? toolCalls.map((one) => (one === before ? call : one)) : [...toolCalls, call],
    approvals: approvals.map((one) =>
      stays(one) || one.decision ? one : { ...one, decision: status !== "error" ? "approved" : "denied" },
    ),
    clientTools: clientTools.filter(stays),
  };
}

function errorView(error: ErrorRaised["error"]): ErrorView {
  return { retryAfterS: null, ...camel(error) };
}
