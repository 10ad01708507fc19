/** The fold of events: what pytest's stories leave behind is what the page shows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyAnswer, reduce } from "../src/index";
import { foldMessages } from "../src/transcript";
import type { AnswerView } from "../src/types";
import type { WireEvent } from "../src/wire";
import { story, toldStories } from "./stories";

const TOLD = toldStories();

const fold = (events: readonly WireEvent[], from: AnswerView = emptyAnswer) => events.reduce(reduce, frozen(from));

/** An answer as the server's JSON tells it. */
function asJson(answer: AnswerView): object {
  const { error, reasoning, title } = answer;
  return {
    success: answer.status === "completed",
    response: answer.text,
    conversation_id: answer.conversationId,
    tools_used: answer.toolsUsed,
    suggested_questions: answer.suggestions,
    actions: answer.actions,
    run_id: answer.runId,
    message_id: answer.id,
    status: answer.status,
    usage: answer.usage,
    ...(reasoning && { reasoning }),
    ...(title && { title }),
    ...(error && { error: { code: error.code, message: error.message, recoverable: error.recoverable } }),
  };
}

function frozen<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(frozen);
  return value;
}

test("there are stories to tell", () => assert.ok(TOLD.length > 20));

for (const { name, events, answer, messages } of TOLD) {
  test(`${name}: the events fold to the JSON answer`, () => {
    assert.deepEqual(asJson(fold(events)), answer);
  });

  test(`${name}: the JSON answer folds to the same view as the events, but for what it does not tell`, () => {
    const { toolCalls: _calls, finishReason: _reason, authRequiredUntil: _until, ...whole } = fold(events);
    const {
      success: _success,
      toolCalls,
      finishReason,
      ...told
    } = reduce(emptyAnswer, answer) as AnswerView & { success: boolean };
    assert.deepEqual(told, whole);
    assert.deepEqual([toolCalls, finishReason], [[], undefined]);
  });

  test(`${name}: cut anywhere and gone on, it is the same`, () => {
    const whole = fold(events);
    for (let cut = 0; cut <= events.length; cut++) {
      assert.deepEqual(fold(events.slice(cut), fold(events.slice(0, cut))), whole);
    }
  });

  test(`${name}: a snapshot replaces whatever was shown before it`, () => {
    const [started] = events;
    const snapshot = { snapshot: { message_id: "m", text: "Hello", tools_used: ["a"], actions: [] } };
    const fresh = fold([started!, snapshot]);
    for (let cut = 1; cut <= events.length; cut++) {
      const {
        title: _title,
        suggestions: _suggestions,
        usage: _usage,
        finishReason: _reason,
        ...shown
      } = fold([...events.slice(0, cut), snapshot]);
      assert.deepEqual({ ...fresh, ...shown }, fresh);
    }
  });

  test(`${name}: the stored messages show the answer that the stream had shown`, () => {
    const [exchange, ...others] = foldMessages(messages);
    const streamed = fold(events);
    assert.deepEqual(others, []);
    assert.equal(exchange?.user?.text, messages[0]?.text);
    if (!exchange?.answer) return assert.equal(streamed.text, "");
    const { id, runId, text, toolCalls, status } = exchange.answer;
    assert.deepEqual({ runId, text }, { runId: streamed.runId, text: streamed.text });
    assert.equal(status, streamed.status === "completed" ? "completed" : "partial");
    if (streamed.status === "completed") assert.equal(id, streamed.id);
    assert.deepEqual(toolCalls, streamed.toolCalls);
  });
}

test("keys that nobody knows change nothing", () => {
  const answer = fold(TOLD[0]!.events);
  for (const unknown of [{ weather: "fine" }, {}, [], { tokens: "x" }] as unknown as WireEvent[]) {
    assert.equal(reduce(answer, unknown), answer);
  }
});

test("a call that takes long keeps what was told of it, and has its age and how far it is", () => {
  const call = { id: "1", name: "a", status: "running" } as const;
  const answer = fold([
    { tool_call: { ...call, arguments: { of: 1 }, label: "Counting" } },
    { tool_call: { ...call, elapsed_ms: 400, progress: 0.25, progress_text: "Page 1" } },
    { tool_call: { ...call, elapsed_ms: 5000 } },
  ]);
  assert.equal(answer.toolCalls.length, 1);
  const { arguments: asked, label, elapsedMs, progress, progressText } = answer.toolCalls[0]!;
  assert.deepEqual([asked, label, elapsedMs, progress, progressText], [{ of: 1 }, "Counting", 5000, 0.25, "Page 1"]);
});

test("a tool call that settles keeps its arguments, and tools are named once", () => {
  const answer = fold([
    { tools_used: ["a", "b", "a"] },
    { tool_call: { id: "1", name: "a", status: "running", arguments: { of: 1 } } },
    { tools_used: ["b", "c"] },
    { tool_call: { id: "1", name: "a", status: "error", duration_ms: 12, error: "No." } },
  ]);
  assert.deepEqual(answer.toolsUsed, ["a", "b", "c"]);
  assert.deepEqual(answer.toolCalls, [
    {
      ...{ id: "1", name: "a", status: "error", arguments: { of: 1 }, durationMs: 12, error: "No." },
      ...{ label: null, done: null, result: null },
    },
  ]);
});

test("a call that is still at work when its run ends was stopped, and is no failure", () => {
  const call = (id: string, status: "running" | "ok" | "awaiting_client") => ({ tool_call: { id, name: "a", status } });
  const events = [call("1", "ok"), call("2", "running"), call("3", "awaiting_client")];
  for (const status of ["cancelled", "failed", "completed"] as const) {
    const { toolCalls } = fold([
      ...events,
      { status, finish_reason: "stop", usage: { input_tokens: 1, output_tokens: 1 } },
    ]);
    assert.deepEqual(
      toolCalls.map((one) => one.status),
      ["ok", "cancelled", "cancelled"],
    );
  }
  const { toolCalls } = fold([...events, { status: "awaiting_input" }]);
  assert.deepEqual(
    toolCalls.map((one) => one.status),
    ["ok", "running", "awaiting_client"],
  );
});

test("a stored call without a result was stopped", () => {
  const common = { run_id: "r", text: "", status: "complete", created_at: "", is_error: false, turn: 1, position: 1 };
  const none = { tool_call_id: "", tool_name: "", superseded_by: null };
  const [exchange] = foldMessages([
    { ...common, ...none, id: "u", role: "user", text: "Hi", tool_calls: [] },
    { ...common, ...none, id: "s", role: "assistant", tool_calls: [{ id: "1", name: "a", arguments: {} }] },
  ]);
  assert.equal(exchange?.answer?.toolCalls[0]?.status, "cancelled");
});

test("an approval waits, then goes on with what was decided", () => {
  const { events } = story("approval");
  const waiting = fold(events.slice(0, 5));
  assert.equal(waiting.status, "awaiting_input");
  assert.deepEqual(waiting.approvals, [
    {
      toolCallId: "uuid-4",
      name: "delete_order",
      title: "Delete order 7?",
      arguments: { number: 7 },
      expiresAt: "2100-01-01T00:00:00+00:00",
      decision: null,
    },
  ]);
  const running = fold(events.slice(0, 6));
  assert.deepEqual([running.status, running.approvals[0]?.decision], ["streaming", "approved"]);
  const whole = fold(events);
  assert.deepEqual([whole.status, whole.text], ["completed", "I will delete it.\n\nOrder 7 is gone."]);
});

test("an approval whose call fails without having run was denied; one that fails later stays approved", () => {
  const { events } = story("approval");
  const failed: WireEvent = { tool_call: { id: "uuid-4", name: "delete_order", status: "error", error: "No." } };
  assert.equal(fold([...events.slice(0, 5), failed]).approvals[0]?.decision, "denied");
  assert.equal(fold([...events.slice(0, 6), failed]).approvals[0]?.decision, "approved");
});

test("a page-side tool is wanted until its result is there", () => {
  const { events } = story("client-tool");
  assert.deepEqual(fold(events.slice(0, 4)).clientTools, [
    {
      toolCallId: "uuid-4",
      name: "read_selection",
      arguments: { of: "table" },
      expiresAt: "2100-01-01T00:00:00+00:00",
    },
  ]);
  assert.deepEqual(fold(events).clientTools, []);
});

test("a run that waits for a token does so until it goes on", () => {
  const waiting: WireEvent = { auth_required: { expires_at: "2100-01-01T00:00:00+00:00" } };
  assert.equal(fold([waiting]).authRequiredUntil, "2100-01-01T00:00:00+00:00");
  assert.equal(fold([waiting, { token: "Hello" }]).authRequiredUntil, null);
});

test("a call that was under way when its run was stopped is cancelled, and failed nowhere", () => {
  const calls: WireEvent[] = [
    { tool_call: { id: "1", name: "a", status: "running", label: "Counting", done: "Counted" } },
    { tool_call: { id: "2", name: "b", status: "running" } },
    { tool_call: { id: "2", name: "b", status: "ok", result: "{}" } },
  ];
  const end: WireEvent = {
    status: "cancelled",
    finish_reason: "cancelled",
    usage: { input_tokens: 1, output_tokens: 1 },
  };
  const answer = fold([...calls, end]);
  assert.deepEqual(
    answer.toolCalls.map(({ status, label, done, result }) => [status, label, done, result]),
    [
      ["cancelled", "Counting", "Counted", null],
      ["ok", null, null, "{}"],
    ],
  );
  assert.equal(fold([...calls, { status: "awaiting_input" }]).toolCalls[0]?.status, "running");
});

test("sources are kept in their order, taken back by a snapshot, and stay with the stored answer", () => {
  const source = { id: "1", title: "Handbook", url: "https://docs.example.com/", snippet: "", tool_call_id: "c" };
  const other = { ...source, id: "2" };
  const snapshot = { message_id: "m", text: "", tools_used: [], actions: [] };
  assert.deepEqual(fold([{ source }, { source: other }]).sources, [source, other]);
  assert.deepEqual(fold([{ source }, { snapshot }]).sources, []);
  assert.deepEqual(fold([{ source }, { snapshot: { ...snapshot, sources: [other] } }, { source }]).sources, [
    other,
    source,
  ]);
  const stored = { ...STORED, role: "assistant", text: "Yes.", sources: [source, other] } as const;
  assert.deepEqual(foldMessages([STORED, stored])[0]?.answer?.sources, [source, other]);
});

const STORED = {
  id: "u",
  run_id: "r",
  role: "user",
  text: "Hi.",
  status: "complete",
  created_at: "2026-01-01T00:00:00Z",
  tool_calls: [],
  tool_call_id: "",
  tool_name: "",
  is_error: false,
  turn: 1,
  position: 1,
  superseded_by: null,
} as const;
