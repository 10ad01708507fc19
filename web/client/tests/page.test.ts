/** What a run asks of the page: actions once, tools, decisions, fresh tokens. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createClient } from "../src/index";
import { openClaims } from "../src/claim";
import { hurry } from "../src/timing";
import type { ActionView, ClientStorage } from "../src/types";
import { answerOf, begin, chatWith, ENDED, eventually, json, part, problem, RUN, serve, tell, until } from "./server";
import { story } from "./stories";

const DARK = { type: "change_theme", value: "dark", id: "a-1" };
const OPEN = { type: "navigate", value: "/clients", id: "a-2" };
const ACTING = [RUN, { action: DARK }, { action: OPEN }, { token: "Done." }, ENDED];

/** The messages of a conversation whose run goes on. */
const QUESTION = { id: "u-1", run_id: "r-1", role: "user", text: "Dark, please", created_at: "2026-01-01T00:00:00Z" };
const ASKED = { items: [QUESTION], next_cursor: null };

/** What a browser keeps for all of its tabs. */
function browserStorage(): ClientStorage & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return { kept, getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };
}

/** Puts Web Locks into this page for a test, as a browser has them: one holder at a time, in order of asking. */
function withLocks(t: TestContext): void {
  let held: Promise<unknown> = Promise.resolve();
  const request = (_name: string, work: () => unknown) => {
    const done = held.then(() => new Promise((resolve) => setTimeout(resolve, 2))).then(work);
    held = done.catch(() => {});
    return done;
  };
  Object.defineProperty(globalThis, "navigator", { value: { locks: { request } }, configurable: true });
  t.after(() => Reflect.deleteProperty(globalThis, "navigator"));
}

test("actions are done in their order, by their handler and by all who listen", async (t) => {
  const { url } = await serve(t, (_request, response) => tell(response, ACTING));
  const done: unknown[] = [];
  const change_theme = (value: string, action: ActionView) => done.push(["theme", value, action.id]);
  const chat = createClient({ url }).chat({ actions: { change_theme } });
  chat.onAction(({ type }) => done.push(type));
  await chat.send("Dark, please");
  await eventually(() => done.length === 3);
  assert.deepEqual(done, [["theme", "dark", "a-1"], "change_theme", "navigate"]);
  assert.deepEqual(answerOf(chat)?.actions, [DARK, OPEN]);
  chat.close();
});

test("an action whose name every object has is nobody's", async (t) => {
  const { url } = await serve(t, (_request, response) =>
    tell(response, [RUN, { action: { type: "constructor", value: "x", id: "a-9" } }, { action: DARK }, ENDED]),
  );
  const done: string[] = [];
  const storage = browserStorage();
  const chat = createClient({ url, storage }).chat({ actions: { change_theme: (value) => done.push(value) } });
  await chat.send("Hi");
  await eventually(() => done.length > 0);
  assert.deepEqual(done, ["dark"]);
  assert.deepEqual([...storage.kept.values()], [" a-1 "]);
  chat.close();
});

for (const locks of ["with locks", "without locks"]) {
  test(`in several tabs of a browser an action is done once, ${locks}`, async (t) => {
    if (locks === "with locks") withLocks(t);
    const storage = browserStorage();
    const { url } = await serve(t, (request, response) => {
      if (request.path.endsWith("/stream")) tell(response, ACTING);
      else if (request.path.includes("/messages")) json(response, 200, ASKED);
      else json(response, 200, { id: "c-1", title: "", created_at: "", updated_at: "" });
    });
    const done: string[] = [];
    const tabs = Array.from({ length: 4 }, () => createClient({ url, storage }).chat());
    for (const tab of tabs) tab.onAction(({ id }) => done.push(id));
    await Promise.all(tabs.map((tab) => tab.open("c-1")));
    await Promise.all(tabs.map((tab) => until(tab, ({ messages }) => messages.at(-1)?.status === "completed")));
    await eventually(() => done.length >= 2);
    assert.deepEqual(done, ["a-1", "a-2"]);
    for (const tab of tabs) tab.close();
  });
}

test("after a reload an action is not done again, and one that is new is", async (t) => {
  const storage = browserStorage();
  let told = ACTING.slice(0, 2);
  const { url } = await serve(
    t,
    (request, response) => {
      if (request.path === "/chat") begin(response, part(told));
      else if (request.path.endsWith("/stream")) tell(response, told);
      else if (request.path.includes("/messages")) json(response, 200, ASKED);
      else json(response, 200, { id: "c-1", title: "", created_at: "", updated_at: "" });
    },
    { hasNews: true },
  );
  const done: string[] = [];
  const open = () => {
    const chat = createClient({ url, storage }).chat();
    chat.onAction(({ id }) => done.push(id));
    return chat;
  };
  const before = open();
  void before.send("Dark, please");
  await eventually(() => done.length === 1);
  before.close();
  told = ACTING;
  const after = open();
  await after.open("c-1");
  await until(after, ({ messages }) => messages.at(-1)?.status === "completed");
  await eventually(() => done.length === 2);
  assert.deepEqual(done, ["a-1", "a-2"]);
  after.close();
});

test("an action that nobody in this tab would do is left to the others", async (t) => {
  const storage = browserStorage();
  const { url } = await serve(t, (_request, response) => tell(response, ACTING));
  const idle = chatWith(t, url, { storage });
  await idle.send("Hi");
  const done: string[] = [];
  const chat = chatWith(t, url, { storage });
  chat.onAction(({ id }) => done.push(id));
  await chat.send("Hi");
  await eventually(() => done.length === 2);
});

test("what is remembered stays small, and a storage that refuses stops nothing", async () => {
  const storage = browserStorage();
  const claim = openClaims(storage);
  for (let n = 0; n < 2000; n++) assert.equal(await claim(`00000000-0000-0000-0000-${n}`.padEnd(36, "x")), true);
  assert.ok([...storage.kept.values()].join("").length <= 20_000);
  assert.equal(await claim(`00000000-0000-0000-0000-1999`.padEnd(36, "x")), false);
  const refuse = () => {
    throw new Error("denied");
  };
  const forgetful = openClaims({ getItem: refuse, setItem: refuse });
  assert.deepEqual([await forgetful("a"), await forgetful("a"), await forgetful("aa")], [true, false, true]);
});

test("a page-side tool is run once, its result is posted, and the answer goes on", async (t) => {
  const { events } = story("client-tool");
  const { url, to } = await serve(t, (request, response) => {
    if (request.path === "/chat") tell(response, events.slice(0, 4));
    else if (/results|claims/.test(request.path)) response.end("{}");
    else tell(response, to("/runs/uuid-2/results").length > 0 ? events.slice(4) : [], 5);
  });
  const asked: unknown[] = [];
  const tools = {
    read_selection: async (args: unknown) => {
      asked.push(args);
      return { rows: [1, 2, 3] };
    },
  };
  const chat = createClient({ url }).chat({ tools });
  const phases = new Set<string>();
  chat.subscribe(({ phase }) => phases.add(phase));
  await chat.send("What have I selected?");
  assert.equal(answerOf(chat)?.text, "You have selected three orders.");
  assert.deepEqual(asked, [{ of: "table" }]);
  assert.deepEqual(
    to("/runs/uuid-2/results").map(({ body }) => body),
    [{ tool_call_id: "uuid-4", result: { rows: [1, 2, 3] } }],
  );
  assert.ok(phases.has("awaiting_input"));
  assert.ok(!phases.has("reconnecting"));
  chat.close();
});

test("a page-side tool that another browser makes is left to it", async (t) => {
  const { events } = story("client-tool");
  const { url, to } = await serve(t, (request, response) => {
    const claims = to("/runs/uuid-2/claims").length;
    if (request.path === "/chat") tell(response, events.slice(0, 4));
    else if (request.path.endsWith("/claims")) problem(response, 409, "already_claimed");
    else tell(response, claims > 0 ? events.slice(4) : [], 5);
  });
  const asked: unknown[] = [];
  const chat = createClient({ url }).chat({ tools: { read_selection: (args) => asked.push(args) } });
  await chat.send("What have I selected?");
  assert.equal(answerOf(chat)?.text, "You have selected three orders.");
  assert.equal(chat.view.error, null);
  assert.deepEqual([asked, to("/runs/uuid-2/results")], [[], []]);
  chat.close();
});

test("a page-side tool that throws tells the model why, and a result that does not arrive is posted again", async (t) => {
  const { events } = story("client-tool");
  const { url, to } = await serve(t, (request, response) => {
    const results = to("/runs/uuid-2/results").length;
    if (request.path === "/chat") tell(response, events.slice(0, 4));
    else if (request.path.endsWith("/claims")) response.end("{}");
    else if (request.path.endsWith("/results")) results < 3 ? response.destroy() : response.end("{}");
    else tell(response, results > 2 ? events.slice(4) : [], 5);
  });
  const read_selection = () => {
    throw new Error("Nothing is selected.");
  };
  const chat = createClient({ url }).chat();
  chat.tools = { read_selection };
  await chat.send("What have I selected?");
  assert.deepEqual(to("/runs/uuid-2/results").at(-1)?.body, {
    tool_call_id: "uuid-4",
    error: "Error: Nothing is selected.",
  });
  assert.equal(to("/runs/uuid-2/results").length, 3);
  chat.close();
});

test("G622 a result that is no JSON, or that the server refuses, is told to the model as such", async (t) => {
  const { events } = story("client-tool");
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  for (const [result, said] of [
    [circle, /circular/],
    [12n, /BigInt/],
    ["x".repeat(40_000), /It is too large/],
  ] as const) {
    const { url, to } = await serve(t, (request, response) => {
      const results = to("/runs/uuid-2/results");
      if (request.path === "/chat") tell(response, events.slice(0, 4));
      else if (request.path.endsWith("/claims")) response.end("{}");
      else if (!request.path.endsWith("/results"))
        tell(response, results.some(({ body }) => body.error) ? events.slice(4) : [], 5);
      else if (request.body.error) response.end("{}");
      else json(response, 422, { code: "invalid_request", detail: "It is too large." });
    });
    const chat = createClient({ url }).chat();
    chat.tools = { read_selection: () => result };
    await chat.send("What have I selected?");
    assert.match(to("/runs/uuid-2/results").at(-1)?.body.error, said);
    assert.equal(chat.view.error, null);
    chat.close();
  }
});

test("an action that expects a result is done by its handler, and what that returns or throws is posted", async (t) => {
  const open = (value: string, id: string) => ({ action: { type: "open", value, id, expects_result: true } });
  const { url, to } = await serve(t, (request, response) => {
    const results = to("/runs/r-1/results").length;
    if (request.path === "/chat")
      tell(response, [RUN, open("/a", "a-1"), open("/b", "a-2"), { status: "awaiting_input" }]);
    else if (/results|claims/.test(request.path)) response.end("{}");
    else tell(response, results > 1 ? [ENDED] : [], 5);
  });
  const chat = createClient({ url }).chat({
    actions: {
      open: (value) => {
        if (value === "/b") throw new Error("There is no /b.");
      },
    },
  });
  const listened: unknown[] = [];
  chat.onAction(({ id }) => listened.push(id));
  await chat.send("Open both");
  const posted = to("/runs/r-1/results").map(({ body }) => body as { tool_call_id: string; error?: string });
  assert.deepEqual(
    posted.sort((one, other) => one.tool_call_id.localeCompare(other.tool_call_id)),
    [{ tool_call_id: "a-1" }, { tool_call_id: "a-2", error: "Error: There is no /b." }],
  );
  assert.deepEqual(listened, []);
  chat.close();
});

test("a page describes its tools with each message, as they are then", async (t) => {
  const { url, to } = await serve(t, (_request, response) => tell(response, [RUN, ENDED]));
  let shown = "filter";
  const clientTools = () => [{ name: `read_${shown}`, description: "Read it.", schema: { type: "object" } }];
  const chat = createClient({ url }).chat({ clientTools });
  await chat.send("Hi");
  shown = "order";
  await chat.send("And now?");
  assert.deepEqual(
    to("/chat").map(({ body }) => (body as { client_tools: unknown }).client_tools),
    ["read_filter", "read_order"].map((name) => [{ name, description: "Read it.", schema: { type: "object" } }]),
  );
  chat.close();
});

test("a run waits for a decision, and goes on with it", async (t) => {
  const { events } = story("approval");
  let decided: unknown;
  const { url } = await serve(t, (request, response) => {
    if (request.path === "/chat") tell(response, events.slice(0, 5));
    else if (request.path.endsWith("/decisions")) response.end((decided = request.body) && "{}");
    else tell(response, decided ? events.slice(5) : [], 6);
  });
  const chat = chatWith(t, url);
  const sent = chat.send("Delete order 7");
  const waiting = await until(chat, ({ phase }) => phase === "awaiting_input");
  const [approval] = waiting.messages[1]!.approvals;
  assert.deepEqual(
    [approval?.title, approval?.decision, waiting.messages[1]?.status],
    ["Delete order 7?", null, "awaiting_input"],
  );
  await chat.decide(approval!.toolCallId, { approve: true, reason: "It is a double." });
  await sent;
  assert.deepEqual(decided, { tool_call_id: "uuid-4", approve: true, reason: "It is a double." });
  assert.equal(answerOf(chat)?.approvals[0]?.decision, "approved");
  assert.equal(answerOf(chat)?.text, "I will delete it.\n\nOrder 7 is gone.");
});

test("a decision that another page takes is seen here, too", async (t) => {
  const { events } = story("approval");
  let isDecided = false;
  const { url } = await serve(t, (request, response) => {
    if (request.path === "/chat") tell(response, events.slice(0, 5));
    else tell(response, isDecided ? events.slice(5) : [], 6);
  });
  const chat = chatWith(t, url);
  const sent = chat.send("Delete order 7");
  await until(chat, ({ phase }) => phase === "awaiting_input");
  isDecided = true;
  await sent;
  assert.equal(answerOf(chat)?.status, "completed");
});

test("a decision that is refused is told, and the run waits on", async (t) => {
  const { events } = story("approval");
  const { url } = await serve(t, (request, response) => {
    if (request.path === "/chat") tell(response, events.slice(0, 5));
    else if (request.path.endsWith("/decisions")) problem(response, 403, "forbidden");
    else tell(response, [], 6);
  });
  const chat = chatWith(t, url);
  void chat.send("Delete order 7");
  await until(chat, ({ phase }) => phase === "awaiting_input");
  await chat.decide("uuid-4", { approve: true });
  assert.deepEqual([chat.view.error?.code, chat.view.phase], ["forbidden", "awaiting_input"]);
});

for (const [approve, outcome, isTold, edited] of [
  [true, "approved", false],
  [true, "approved", true, { arguments: { number: 8 }, hash: "h" }],
  [false, "denied", false],
  [true, "denied", true],
  [true, "expired", true],
  [false, "approved", true],
] as const)
  test(`${approve ? "yes" : "no"}${edited ? " to other arguments" : ""}, and it was ${outcome} already: ${isTold ? "the user is told" : "it is done"}`, async (t) => {
    const { events } = story("approval");
    let isDecided = false;
    const { url } = await serve(t, (request, response) => {
      if (request.path === "/chat") tell(response, events.slice(0, 5));
      else if (request.path.endsWith("/decisions")) {
        isDecided = true;
        response.writeHead(409, { "content-type": "application/problem+json" });
        response.end(JSON.stringify({ code: "already_decided", detail: `It was ${outcome}.`, outcome }));
      } else tell(response, isDecided ? events.slice(5) : [], 6);
    });
    const chat = chatWith(t, url);
    const sent = chat.send("Delete order 7");
    await until(chat, ({ phase }) => phase === "awaiting_input");
    await chat.decide("uuid-4", { approve, ...edited });
    assert.equal(chat.view.error?.code, isTold ? "already_decided" : undefined);
    await sent;
    assert.equal(answerOf(chat)?.status, "completed");
  });

test("a run that needs a fresh token gets one", async (t) => {
  const { url, to } = await serve(t, async (request, response) => {
    if (request.path.endsWith("/credential")) return response.end("{}");
    begin(response, part([RUN, { auth_required: { expires_at: "2100-01-01T00:00:00+00:00" } }]));
    await eventually(() => to("/runs/r-1/credential").length > 0);
    response.end(part([{ token: "Hello" }, ENDED], 3));
  });
  const tokens = ["old"];
  const chat = chatWith(t, url, { token: () => tokens.shift() ?? "new" });
  await chat.send("Hi");
  assert.deepEqual(
    to("/runs/r-1/credential").map(({ method, headers }) => `${method} ${headers.authorization}`),
    ["POST Bearer new"],
  );
  assert.equal(answerOf(chat)?.text, "Hello");
});

test("when the network or the eye is back, the client comes back at once", async (t) => {
  const page = new EventTarget();
  Object.assign(globalThis, { addEventListener: page.addEventListener.bind(page) });
  t.after(() => Reflect.deleteProperty(globalThis, "addEventListener"));
  hurry(60_000);
  t.after(() => hurry());
  for (const type of ["online", "visibilitychange"]) {
    const { url, requests } = await serve(t, (request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      if (request.method === "POST") response.end(`retry: 60000\nid: 1-1\ndata: ${JSON.stringify(RUN)}\n\n`);
      else response.end(part([{ token: "Hello" }, ENDED], 2));
    });
    const chat = chatWith(t, url);
    void chat.send("Hi");
    await until(chat, ({ phase }) => phase === "reconnecting");
    page.dispatchEvent(new Event(type));
    await until(chat, ({ phase }) => phase === "idle"); // else it waits for half a minute at least
    assert.equal(requests.length, 2);
  }
});

test("what the browser says of the network is shown", async (t) => {
  const page = new EventTarget();
  Object.assign(globalThis, { addEventListener: page.addEventListener.bind(page) });
  t.after(() => Reflect.deleteProperty(globalThis, "addEventListener"));
  const { url } = await serve(t, (_request, response) => tell(response, [RUN, ENDED]));
  const chat = chatWith(t, url);
  const shown: string[] = [];
  chat.subscribe(({ connection }) => shown.push(connection));
  for (const type of ["offline", "visibilitychange", "online"]) page.dispatchEvent(new Event(type));
  assert.deepEqual(shown, ["offline", "offline", "online"]);
  chat.close();
  page.dispatchEvent(new Event("offline"));
  assert.equal(shown.length, 3, "it was closed");
});

test("whoever wants to look sees every event as it came", async (t) => {
  const { url } = await serve(t, (_request, response) => tell(response, ACTING));
  const chat = chatWith(t, url);
  const seen: unknown[] = [];
  chat.onEvent((event) => seen.push(event));
  await chat.send("Hi");
  assert.deepEqual(
    seen,
    ACTING.map((event, n) => ({ runId: "r-1", id: `1-${n + 1}`, event })),
  );
});
