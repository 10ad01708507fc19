/** Lanes beside each other: one stream of all, read through cuts, and one answer that is chosen. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { isMade, type Lanes, watchLanes } from "../src/lanes";
import { foldMessages, type StoredMessage } from "../src/transcript";
import type { ChatView } from "../src/types";
import { chatWith, ENDED, eventually, HERE, json, type Received, serve } from "./server";

const MODELS = ["large", "small"];
const at = (lane: number) => ({ lane, model: MODELS[lane - 1] });
const begun = (lane: number) => ({ conversation_id: "c-1", run_id: `r-${lane}`, message_id: `m-${lane}`, ...at(lane) });
const says = (lane: number, token: string) => ({ token, ...at(lane) });
const ended = (lane: number) => ({ ...ENDED, ...at(lane) });
const STREAM = [begun(1), begun(2), says(1, "One "), says(2, "Two "), ended(1), says(2, "more."), ended(2)];

/** The bytes of a turn's stream from one of its events on, and the id of the event that is the last of so many. */
const bytes = (events: readonly object[], from = 0) =>
  events.map((event, n) => `id: ${idOf(from + n)}\ndata: ${JSON.stringify(event)}\n\n`).join("");
const idOf = (n: number) => `1-${n}_1-${n}`;

const TYPE = { "content-type": "text/event-stream; charset=utf-8" };
const user = (id: string, runId: string) =>
  ({ id, run_id: runId, role: "user", text: "Hi", turn: 1, superseded_by: null }) as StoredMessage;
const answer = (lane: number, superseded_by: number | null, text = `${lane}`) =>
  ({
    ...{ id: `m-${lane}`, run_id: `r-${lane}`, role: "assistant", status: "complete", text, tool_calls: [] },
    ...{ turn: 1, lane, superseded_by },
  }) as unknown as StoredMessage;

function watch(t: TestContext, url: string): { lanes: Lanes; texts: () => string[]; chat: { view: ChatView } } {
  const chat = chatWith(t, url);
  const lanes = watchLanes({ url, token: () => "t" }, chat, { branchId: 7 });
  t.after(() => lanes.close());
  return { lanes, chat, texts: () => lanes.view.lanes.map(({ answer: { text } }) => text) };
}

/** Answers what is asked of a conversation whose only turn has these lanes. */
function known({ method, path }: Received, stored: readonly StoredMessage[], chosen: string | null) {
  if (method !== "GET") return null;
  if (path.startsWith("/conversations/c-1/messages"))
    return { items: stored, title: "", version: "1", next_cursor: null };
  if (/^\/runs\/r-.$/.test(path)) return { lane: 1 };
  return path.startsWith("/turns/r-") && !path.endsWith("/events") ? { id: "r-1", chosen } : null;
}

test("G475 a stream of lanes that is cut after any event, and posted again until it is taken, is read on to its end", async (t) => {
  for (let told = 0; told < STREAM.length; told++) {
    const { url, requests } = await serve(t, (request, response) => {
      const after = request.headers["last-event-id"];
      if (request.method === "POST" || request.path.endsWith("/events")) {
        response.writeHead(200, TYPE);
        if (!after && requests.filter(({ path }) => path === "/chat").length === 1) {
          response.write(bytes(STREAM.slice(0, told)) || ": ping\n\n");
          return void setTimeout(() => response.destroy(), 5);
        }
        const from = after ? STREAM.findIndex((_, n) => idOf(n) === after) + 1 : 0;
        return response.end(`${bytes(STREAM.slice(from), from)}data: [DONE]\n\n`);
      }
      return json(response, 200, known(request, [user("u", "r-1")], null) ?? {});
    });
    const { lanes, texts } = watch(t, url);
    await lanes.ask(" Hi ", MODELS);
    assert.deepEqual(texts(), ["One ", "Two more."], `cut after ${told} events`);
    assert.deepEqual(lanes.view.phase, "idle");
    assert.deepEqual(lanes.view.lanes.map(isMade), [false, false]);
    const posts = requests.filter(({ method }) => method === "POST");
    assert.deepEqual(posts[0]!.body, { message: "Hi", models: MODELS, conversation_id: null, branch_id: 7, ...HERE });
    assert.equal(new Set(posts.map(({ headers }) => headers["idempotency-key"])).size, 1);
    assert.equal(posts.length, told ? 1 : 2);
  }
});

test("G475 a message that is not taken is the asker's again, and nothing is left of it", async (t) => {
  const { url } = await serve(t, (_, response) => json(response, 422, { code: "quota_exceeded", detail: "No room." }));
  const { lanes } = watch(t, url);
  const seen: unknown[] = [];
  lanes.subscribe(({ sending }) => seen.push(sending));
  await assert.rejects(lanes.ask("Hi", MODELS), { code: "quota_exceeded" });
  assert.equal(seen[0], "Hi");
  assert.deepEqual([lanes.view.sending, lanes.view.lanes, lanes.view.error], [null, [], null]);
});

test("G471 what is chosen goes on in the chat, the rest is stopped, and another tab shows that, too", async (t) => {
  let chosen: string | null = null;
  const { url, requests } = await serve(
    t,
    (request, response) => {
      const stored = chosen ? [user("u", "r-1"), answer(1, 1), answer(2, null)] : [user("u", "r-1")];
      const read = known(request, stored, chosen);
      if (read) return json(response, 200, read);
      if (request.path.endsWith("/stream")) return response.writeHead(204).end();
      if (request.path.endsWith("/choose")) chosen = request.body.run_id;
      if (!/chat|turns|events/.test(request.path)) return json(response, 200, {});
      response.writeHead(200, TYPE);
      response.write(bytes([begun(1), begun(2), says(1, "1"), says(2, "2"), ended(2)]));
    },
    { hasNews: true },
  );
  const here = watch(t, url);
  void here.lanes.ask("Hi", MODELS);
  await eventually(() => here.texts().join() === "1,2" && here.chat.view.messages.length === 1);
  const there = watch(t, url);
  await (there.chat as ReturnType<typeof chatWith>).open("c-1");
  await eventually(() => there.texts().join() === "1,2");
  await here.lanes.choose("r-2");
  await eventually(() => [here, there].every(({ lanes }) => lanes.view.lanes.length === 0));
  assert.ok(
    requests.some(({ path }) => path === "/runs/r-1/cancel"),
    "nobody waits for what was not chosen",
  );
  for (const { chat } of [here, there]) {
    await eventually(() => chat.view.messages.length === 2);
    const [, shown] = chat.view.messages;
    assert.deepEqual([shown!.text, shown!.versions.map(({ text }) => text)], ["2", ["1"]]);
  }
});

test("G471 stored lanes are one answer with the others as its versions, in whatever order they are told", () => {
  const told = [user("u", "r-1"), answer(2, null, "2a"), answer(1, 1), answer(3, 1), answer(2, null, "2b")];
  for (const messages of [told, [...told].reverse()]) {
    const [turn, ...others] = foldMessages(messages);
    assert.deepEqual([others, turn!.user!.text, turn!.runId], [[], "Hi", "r-2"]);
    assert.deepEqual(
      turn!.answer!.versions.map(({ text }) => text),
      ["1", "3"],
    );
  }
  const later = { ...answer(0, null, "anew"), id: "m-9", run_id: "r-9", turn: 2, lane: undefined } as never;
  const [again] = foldMessages([
    answer(1, 1),
    answer(3, 1),
    answer(2, 2, "2"),
    { ...user("u", "r-9"), turn: 2 },
    later,
  ]);
  assert.deepEqual(
    again!.answer!.versions.map(({ text }) => text),
    ["1", "3", "2"],
  );
});
