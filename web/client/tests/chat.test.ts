/** A conversation as a store: what is shown, and what the server is asked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "../src/index";
import {
  answerOf,
  begin,
  chatWith,
  ENDED,
  HERE,
  eventually,
  json,
  part,
  problem,
  RUN,
  serve,
  tell,
  until,
} from "./server";
import { toldStories } from "./stories";

const HELLO = [RUN, { token: "Hello" }, ENDED];
const OLD = "2026-01-01T00:00:00+00:00";

function stored(id: string, role: string, text: string, more: object = {}) {
  const common = { id, run_id: "r-1", role, text, status: "complete", created_at: OLD, is_error: false };
  return { ...common, tool_calls: [], tool_call_id: null, tool_name: null, ...more };
}

const CONVERSATION = { id: "c-1", title: "Orders", created_at: OLD, updated_at: OLD };
const MESSAGES = [stored("u-1", "user", "How many?"), stored("m-1", "assistant", "42.")];

/** Answers what `open` asks; what is not among `more` is answered with an active run that there is not. */
const opened =
  (
    more: Record<string, Parameters<typeof serve>[1]> = {},
    messages: object[] = MESSAGES,
  ): Parameters<typeof serve>[1] =>
  (request, response) => {
    const path = request.path.split("?")[0]!;
    if (more[path]) return more[path](request, response);
    if (path === "/conversations/c-1") return json(response, 200, CONVERSATION);
    if (path === "/conversations/c-1/messages")
      return json(response, 200, { items: messages, next_cursor: null, title: "Orders", version: "1" });
    response.writeHead(204).end();
  };

test("views are immutable, and what has not changed is the same object", async (t) => {
  const { url } = await serve(t, (_request, response) => tell(response, HELLO));
  const chat = chatWith(t, url);
  await chat.send("Hi");
  const before = chat.view;
  await chat.send("Hi again");
  assert.notEqual(chat.view, before);
  assert.equal(before.messages.length, 2);
  assert.equal(chat.view.messages[0], before.messages[0]);
  assert.equal(chat.view.messages[1], before.messages[1]);
});

test("a user's message stays the same object while its answer comes", async (t) => {
  const { url } = await serve(t, (_request, response) => begin(response, part(HELLO.slice(0, 2))));
  const chat = chatWith(t, url);
  void chat.send("Hi");
  const first = await until(chat, ({ phase }) => phase === "streaming");
  const users = new Set([first.messages[0]]);
  chat.subscribe(({ messages }) => users.add(messages[0]));
  chat.close();
  assert.equal(users.size, 1);
});

test("who has unsubscribed hears nothing any more, and a listener that throws stops nobody", async (t) => {
  const { url } = await serve(t, (_request, response) => tell(response, HELLO));
  const chat = chatWith(t, url);
  const errors = t.mock.method(console, "error", () => {});
  let heard = 0;
  chat.subscribe(() => {
    throw new Error("the page's own");
  });
  const unsubscribe = chat.subscribe(() => heard++);
  await chat.send("Hi");
  assert.ok(heard > 0);
  assert.equal(answerOf(chat)?.text, "Hello");
  assert.ok(errors.mock.callCount() > 0);
  unsubscribe();
  heard = 0;
  await chat.send("Hi");
  assert.equal(heard, 0);
});

test("options go with each message, and the page is asked at each", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => tell(response, HELLO));
  let route = "/clients";
  const chat = createClient({ url }).chat({
    conversationId: "c-1",
    assistant: "house",
    branchId: 2,
    model: "demo",
    timeZone: "Asia/Tokyo",
    locale: "ja-JP",
    context: () => ({ route }),
  });
  await chat.send("Hi");
  route = "/classes";
  await chat.send("Hi");
  assert.deepEqual(requests[0]?.body, {
    message: "Hi",
    conversation_id: "c-1",
    assistant: "house",
    branch_id: 2,
    model: "demo",
    context: { route: "/clients" },
    time_zone: "Asia/Tokyo",
    locale: "ja-JP",
  });
  assert.deepEqual(requests[1]?.body.context, { route: "/classes" });
  chat.close();
});

test("G622 what a page throws about itself, or has as no JSON, keeps no message", async (t) => {
  const { url, to } = await serve(t, (_request, response) => tell(response, [RUN, ENDED]));
  let context: () => Record<string, unknown> = () => {
    throw new Error("no route");
  };
  const chat = createClient({ url }).chat({ context: () => context(), clientTools: null as never });
  t.after(() => chat.close());
  await chat.send("One");
  context = () => ({ number: 1n });
  await chat.send("Two");
  context = () => ({ route: "/a" });
  await chat.send("Three");
  const posted = to("/chat").map(({ body }) => [body.message, body.context]);
  assert.deepEqual(posted, [
    ["One", undefined],
    ["Two", undefined],
    ["Three", { route: "/a" }],
  ]);
});

test("an empty message is not sent", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => tell(response, HELLO));
  const chat = chatWith(t, url);
  await chat.send(" \n ");
  assert.deepEqual([requests.length, chat.view.messages.length], [0, 0]);
});

test("a second message in a conversation goes out at once, and its answer stands under it", async (t) => {
  const { url, to } = await serve(t, async (request, response) => {
    const second = { ...RUN, run_id: "r-2", message_id: "m-2" };
    if (request.body.message === "two") return tell(response, [second, { token: "2" }, ENDED]);
    begin(response, part([RUN, { token: "1" }]));
    await eventually(() => to("/chat").length === 2);
    response.end(part([ENDED], 3));
  });
  const chat = chatWith(t, url, {}, "c-1");
  const one = chat.send("one");
  await until(chat, ({ phase }) => phase === "streaming");
  await Promise.all([one, chat.send("two")]);
  assert.deepEqual(
    chat.view.messages.map(({ text }) => text),
    ["one", "1", "two", "2"],
  );
});

test("a second message in a new conversation waits until there is one", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => tell(response, HELLO));
  const chat = chatWith(t, url);
  await Promise.all([chat.send("one"), chat.send("two")]);
  assert.deepEqual(
    requests.map(({ body }) => [body.message, body.conversation_id]),
    [
      ["one", null],
      ["two", "c-1"],
    ],
  );
});

test("suggestions and the title come after the answer, and are those of the last one", async (t) => {
  const { events } = toldStories().find(({ name }) => name === "suggestions-from-the-model")!;
  const { url, requests } = await serve(t, (_request, response) => {
    if (requests.length === 1) tell(response, [...events, { title: "Hours" }]);
    else tell(response, HELLO);
  });
  const chat = chatWith(t, url);
  await chat.send("Hi");
  assert.deepEqual(chat.view.suggestions, ["How many orders today?", "Which is oldest?", "Dark mode"]);
  assert.equal(chat.view.title, "Hours");
  await chat.send("Hi");
  assert.deepEqual([chat.view.suggestions, chat.view.title], [[], "Hours"]);
});

test("an answer made anew takes the place of the old one, which is its version, and of what came after", async (t) => {
  const anew = [{ ...RUN, run_id: "r-2", message_id: "m-2" }, { token: "Hello again" }, ENDED];
  const { url, to } = await serve(t, (request, response) => tell(response, request.path === "/chat" ? HELLO : anew));
  const chat = chatWith(t, url);
  await chat.send("Hi");
  await chat.send("More");
  const first = chat.view.messages[1]!;
  await chat.regenerate(first.id);
  const [sent] = to("/conversations/c-1/regenerate");
  assert.deepEqual([sent?.method, sent?.body], ["POST", { message_id: "m-1", ...HERE }]);
  assert.ok(sent?.headers["idempotency-key"]);
  assert.deepEqual(
    chat.view.messages.map(({ text, status }) => [text, status]),
    [
      ["Hi", "completed"],
      ["Hello again", "completed"],
    ],
  );
  assert.deepEqual(
    answerOf(chat)?.versions.map(({ id, text }) => [id, text]),
    [["m-1", "Hello"]],
  );
});

test("an edited message takes the place of the old one, and is answered", async (t) => {
  const edited = [{ ...RUN, run_id: "r-2", message_id: "m-2" }, { token: "43" }, ENDED];
  const { url, to } = await serve(t, (request, response) => tell(response, request.path === "/chat" ? HELLO : edited));
  const chat = chatWith(t, url);
  await chat.send("How many?");
  await chat.edit(chat.view.messages[0]!.id, " How many now? ");
  assert.deepEqual(to("/conversations/c-1/edit")[0]?.body, { message_id: "m-1", message: "How many now?", ...HERE });
  assert.deepEqual(
    chat.view.messages.map(({ text }) => text),
    ["How many now?", "43"],
  );
  assert.deepEqual(
    chat.view.messages[0]?.versions.map(({ text }) => text),
    ["How many?"],
  );
});

test("what is being answered is stopped before it is replaced", async (t) => {
  const { url, requests, to } = await serve(t, async (request, response) => {
    if (request.path.endsWith("/cancel")) return response.end("{}");
    if (request.path !== "/chat") return tell(response, HELLO);
    begin(response, part(HELLO.slice(0, 2)));
    await eventually(() => to("/runs/r-1/cancel").length > 0);
    response.end(part([{ ...ENDED, status: "cancelled" }], 3));
  });
  const chat = chatWith(t, url);
  void chat.send("Hi");
  await until(chat, ({ phase }) => phase === "streaming");
  await chat.edit(chat.view.messages[0]!.id, "Hello?");
  assert.deepEqual(
    requests.map(({ path }) => path),
    ["/chat", "/runs/r-1/cancel", "/conversations/c-1/edit"],
  );
});

test("a message that never arrived and is edited is sent as a new one", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => {
    if (requests.length === 1) problem(response, 422, "invalid_request");
    else tell(response, HELLO);
  });
  const chat = chatWith(t, url);
  await chat.send("Hi");
  await chat.edit(chat.view.messages[0]!.id, "Hello");
  assert.deepEqual(
    requests.map(({ path, body }) => [path, body.message]),
    [
      ["/chat", "Hi"],
      ["/chat", "Hello"],
    ],
  );
  assert.deepEqual(
    chat.view.messages.map(({ text }) => text),
    ["Hello", "Hello"],
  );
});

test("an edit that does not arrive is tried again as the same one", async (t) => {
  const { url, requests, to } = await serve(t, (request, response) => {
    if (request.path === "/chat") tell(response, HELLO);
    else if (requests.length < 7) response.destroy();
    else tell(response, [{ ...RUN, run_id: "r-2", message_id: "m-2" }, { token: "43" }, ENDED]);
  });
  const chat = chatWith(t, url);
  await chat.send("How many?");
  await chat.edit(chat.view.messages[0]!.id, "How many now?");
  assert.deepEqual([chat.view.error?.code, chat.view.messages[0]?.status], ["network", "failed"]);
  await chat.retry();
  assert.equal(answerOf(chat)?.text, "43");
  assert.equal(new Set(to("/conversations/c-1/edit").map(({ headers }) => headers["idempotency-key"])).size, 1);
});

test("a conversation is opened with its messages and its title", async (t) => {
  const { url } = await serve(t, opened());
  const chat = chatWith(t, url);
  const opening = chat.open("c-1");
  assert.equal(chat.view.phase, "loading");
  await opening;
  const { messages, title, phase, conversationId } = chat.view;
  assert.deepEqual([title, phase, conversationId], ["Orders", "idle", "c-1"]);
  assert.deepEqual(
    messages.map(({ id, role, text, createdAt }) => [id, role, text, createdAt]),
    [
      ["u-1", "user", "How many?", OLD],
      ["m-1", "assistant", "42.", OLD],
    ],
  );
});

test("what was made anew or edited is shown once, with its earlier versions", async (t) => {
  const turn = (turn: number, superseded_by: number | null = null) => ({ run_id: `r-${turn}`, turn, superseded_by });
  const messages = [
    stored("u-1", "user", "Hi", turn(1)),
    stored("m-1", "assistant", "Hello.", turn(1)),
    stored("m-2", "assistant", "One.", turn(2, 3)), // made anew: its message went over to turn 3
    stored("u-3", "user", "Count", turn(3, 5)),
    stored("m-3", "assistant", "Two.", turn(3, 5)),
    stored("u-4", "user", "More", turn(4, 5)),
    stored("m-4", "assistant", "Three.", turn(4, 5)),
    stored("u-5", "user", "Count on", turn(5)),
    stored("m-5", "assistant", "Four.", turn(5)),
  ];
  const { url } = await serve(t, opened({}, messages));
  const chat = chatWith(t, url);
  await chat.open("c-1");
  assert.deepEqual(
    chat.view.messages.map(({ text, versions }) => [text, versions.map((version) => version.text)]),
    [
      ["Hi", []],
      ["Hello.", []],
      ["Count on", ["Count"]],
      ["Four.", ["One.", "Two."]],
    ],
  );
});

test("a long conversation is read page by page", async (t) => {
  const { url, requests } = await serve(
    t,
    opened({
      "/conversations/c-1/messages": (request, response) => {
        const isFirst = !request.path.includes("cursor=");
        json(response, 200, {
          items: isFirst ? MESSAGES.slice(0, 1) : MESSAGES.slice(1),
          next_cursor: isFirst ? "a b" : null,
        });
      },
    }),
  );
  const chat = chatWith(t, url);
  await chat.open("c-1");
  assert.equal(chat.view.messages.length, 2);
  assert.ok(requests.some(({ path }) => path.endsWith("?limit=100&versions=all&cursor=a+b")));
});

test("opening a conversation goes on with the answer that is being made, from its beginning", async (t) => {
  const half = [stored("u-1", "user", "How many?"), stored("s-1", "assistant", "Let me")];
  const { url } = await serve(
    t,
    opened(
      {
        "/conversations/c-1/stream": (_request, response) =>
          tell(response, [RUN, { token: "Let me look. " }, { token: "42." }, ENDED]),
      },
      half,
    ),
  );
  const chat = chatWith(t, url);
  await chat.open("c-1");
  await until(chat, ({ messages }) => messages[1]?.status === "completed" && messages[1].text === "Let me look. 42.");
  assert.equal(chat.view.messages.length, 2);
  assert.equal(chat.view.phase, "idle");
});

test("an answer that ended while the page was reloaded is told whole", async (t) => {
  const now = new Date().toISOString();
  const { url, requests } = await serve(
    t,
    opened(
      { "/runs/r-1/events": (_request, response) => tell(response, [...HELLO, { suggested_questions: ["More?"] }]) },
      [stored("u-1", "user", "Hi", { created_at: now })],
    ),
  );
  const chat = chatWith(t, url);
  await chat.open("c-1");
  await until(chat, ({ suggestions }) => suggestions.length > 0);
  assert.equal(answerOf(chat)?.text, "Hello");
  assert.deepEqual(
    requests.slice(1).map(({ path }) => path),
    ["/conversations/c-1/stream", "/runs/r-1/events"],
  );
});

const WAITING = [
  stored("u-1", "user", "One?", { turn: 1 }),
  stored("u-2", "user", "Two?", { run_id: "r-2", turn: 2 }),
  stored("u-3", "user", "Three?", { run_id: "r-3", turn: 3 }),
];
const run = (number: number, text: string) => [
  { ...RUN, run_id: `r-${number}`, message_id: `m-${number}` },
  { token: text },
  ENDED,
];

test("messages that wait for their turn are answered one after the other, and then nothing is asked any more", async (t) => {
  const answers = [run(1, "1."), run(2, "2."), run(3, "3.")];
  const stream: Parameters<typeof serve>[1] = (_request, response) => {
    const answer = answers.shift();
    if (answer) tell(response, answer);
    else response.writeHead(204).end();
  };
  const { url, requests, to } = await serve(t, opened({ "/conversations/c-1/stream": stream }, WAITING));
  const chat = chatWith(t, url);
  await chat.open("c-1");
  await eventually(() => to("/conversations/c-1/stream").length === 4);
  assert.deepEqual(
    chat.view.messages.map(({ text }) => text),
    ["One?", "1.", "Two?", "2.", "Three?", "3."],
  );
  assert.equal(requests.length, 5);
});

test("an answer that is being made is asked for until the server has time, with nothing asked beside it", async (t) => {
  const half = [stored("u-1", "user", "How many?"), stored("s-1", "assistant", "Let me")];
  const fails = [503, 429, 0, 0, 503, 0, 503];
  const { url, requests, to } = await serve(
    t,
    opened(
      {
        "/conversations/c-1/stream": (_request, response) => {
          if (to("/conversations/c-1/stream").length > fails.length + 1) return response.writeHead(204).end();
          const status = fails[to("/conversations/c-1/stream").length - 1];
          if (status) problem(response, status, "overloaded");
          else if (status === 0) response.destroy();
          else tell(response, [RUN, { token: "42." }, ENDED]);
        },
      },
      half,
    ),
  );
  const chat = chatWith(t, url);
  await chat.open("c-1");
  await until(chat, ({ messages }) => messages[1]?.text === "42." && messages[1].status === "completed");
  await eventually(() => to("/conversations/c-1/stream").length >= fails.length + 2); // twice where it is looked for from two sides
  const others = requests.filter(({ path }) => !path.endsWith("/stream"));
  const back = fails.filter((status, at) => status === 0 && fails[at + 1] !== 0).length;
  assert.ok(others.length <= 1 + back, `the messages were read ${others.length} times`);
});

test("who leaves a conversation when an answer has come hears of none that waits in it", async (t) => {
  const { url, to } = await serve(
    t,
    opened({ "/conversations/c-1/stream": (_request, response) => tell(response, run(1, "1.")) }, WAITING),
  );
  const chat = chatWith(t, url);
  chat.subscribe(({ messages }) => messages[1]?.status === "completed" && messages[1].text === "1." && chat.startNew());
  await chat.open("c-1");
  await eventually(() => chat.view.conversationId === null);
  await new Promise((resolve) => setTimeout(resolve, 100)); // nothing comes to wait for
  assert.deepEqual([chat.view.messages.length, to("/conversations/c-1/stream").length], [0, 1]);
});

test("a message that is sent while another's answer is gone on with is read once", async (t) => {
  const gate: (() => void)[] = [];
  const heard: string[] = [];
  const { url, to } = await serve(
    t,
    opened(
      {
        "/conversations/c-1/stream": (_request, response) => {
          if (to("/conversations/c-1/stream").length > 1) tell(response, run(2, "2."));
          else gate.push(() => tell(response, run(1, "1.")));
        },
        "/chat": (_request, response) => gate.push(() => tell(response, run(2, "2."))),
      },
      WAITING.slice(0, 1),
    ),
  );
  const chat = chatWith(t, url);
  chat.onEvent(({ event }) => "token" in event && heard.push(event.token));
  await chat.open("c-1");
  const sent = chat.send("Two?");
  await eventually(() => gate.length === 2);
  gate.reverse().forEach((open) => open());
  await sent;
  await eventually(() => to("/conversations/c-1/stream").length === 2);
  await new Promise((resolve) => setTimeout(resolve, 100)); // nothing comes to wait for
  assert.equal(to("/conversations/c-1/stream").length, 2);
  assert.deepEqual(heard.sort(), ["1.", "2."]);
  assert.deepEqual(
    chat.view.messages.map(({ text }) => text),
    ["One?", "1.", "Two?", "2."],
  );
});

test("an answer that is gone on with keeps its earlier versions", async (t) => {
  const messages = [
    stored("m-1", "assistant", "Old.", { run_id: "r-0", turn: 1, superseded_by: 2 }),
    stored("u-1", "user", "One?", { turn: 2 }),
    stored("s-1", "assistant", "New", { turn: 2 }),
    stored("u-2", "user", "Two?", { run_id: "r-2", turn: 3 }),
  ];
  const { url } = await serve(
    t,
    opened({ "/conversations/c-1/stream": (_request, response) => begin(response, part(run(1, "Newer"))) }, messages),
  );
  const chat = chatWith(t, url);
  await chat.open("c-1");
  const view = await until(chat, (one) => one.messages[1]?.text === "Newer");
  assert.deepEqual(
    view.messages.map(({ versions }) => versions.map(({ text }) => text)),
    [[], ["Old."], []],
  );
});

test("a conversation that cannot be read says why, and is opened again on demand", async (t) => {
  let isThere = false;
  const { url } = await serve(t, (request, response) =>
    isThere ? opened()(request, response) : problem(response, 404, "not_found"),
  );
  const chat = chatWith(t, url);
  await chat.open("c-1");
  assert.deepEqual([chat.view.error?.code, chat.view.phase], ["not_found", "idle"]);
  isThere = true;
  await chat.retry();
  assert.deepEqual([chat.view.error, chat.view.messages.length], [null, 2]);
});

test("of two conversations that are opened at once the last one is shown", async (t) => {
  let release = () => {};
  const { url, requests } = await serve(
    t,
    opened({
      "/conversations/c-2/messages": (_request, response) =>
        (release = () => json(response, 200, { items: [], next_cursor: null, title: "Slow", version: "1" })),
    }),
  );
  const chat = chatWith(t, url);
  const slow = chat.open("c-2");
  await eventually(() => requests.length === 1);
  await chat.open("c-1");
  release();
  await slow;
  assert.deepEqual([chat.view.title, chat.view.conversationId, chat.view.messages.length], ["Orders", "c-1", 2]);
});

test("a message that is written while a conversation is loaded goes into it", async (t) => {
  const { url, to } = await serve(
    t,
    opened({ "/chat": (_request, response) => tell(response, [{ ...RUN, run_id: "r-9" }, ENDED]) }),
  );
  const chat = chatWith(t, url);
  await Promise.all([chat.open("c-1"), chat.send("And now?")]);
  assert.equal(to("/chat")[0]?.body.conversation_id, "c-1");
  assert.deepEqual(
    chat.view.messages.slice(0, 3).map(({ text }) => text),
    ["How many?", "42.", "And now?"],
  );
});

test("a message that is written while a conversation is opened twice waits for the second time", async (t) => {
  const held: (() => void)[] = [];
  const { url, to } = await serve(
    t,
    opened({
      "/conversations/c-1/messages": (request, response) => held.push(() => opened()(request, response)),
      "/chat": (_request, response) => tell(response, [{ ...RUN, run_id: "r-9" }, ENDED]),
    }),
  );
  const chat = chatWith(t, url);
  const first = chat.open("c-1");
  const sent = chat.send("And now?");
  await eventually(() => held.length === 1);
  const second = chat.open("c-1");
  await eventually(() => held.length === 2);
  held[0]!();
  await first;
  held[1]!();
  await Promise.all([second, sent]);
  assert.equal(to("/chat").length, 1);
  assert.deepEqual(
    [chat.view.phase, chat.view.messages.slice(0, 3).map(({ text }) => text)],
    ["idle", ["How many?", "42.", "And now?"]],
  );
});

test("a message that was written for a conversation that was left while it was loaded goes into no other one", async (t) => {
  const { url, to } = await serve(t, opened({ "/chat": (_request, response) => tell(response, HELLO) }));
  const chat = chatWith(t, url);
  const opening = chat.open("c-2");
  const sent = chat.send("Only for you");
  await chat.open("c-1");
  await Promise.all([opening, sent]);
  assert.deepEqual([to("/chat").length, chat.view.messages.length], [0, 2]);
});

test("a new conversation shows nothing of the old one, whose answer is not read on", async (t) => {
  const { url } = await serve(t, (_request, response) => begin(response, part(HELLO.slice(0, 2))));
  const chat = chatWith(t, url);
  const sent = chat.send("Hi");
  await until(chat, ({ phase }) => phase === "streaming");
  chat.startNew();
  await sent;
  const { messages, conversationId, phase, title, error } = chat.view;
  assert.deepEqual(
    { messages, conversationId, phase, title, error },
    { messages: [], conversationId: null, phase: "idle", title: null, error: null },
  );
});

test("feedback, a new title and a deletion are shown by the chats that it concerns", async (t) => {
  const { url, requests } = await serve(t, (request, response) => {
    if (request.method === "PATCH") json(response, 200, { ...CONVERSATION, title: "Mine" });
    else opened()(request, response);
  });
  const client = createClient({ url });
  const [chat, other] = [client.chat(), client.chat()];
  await chat.open("c-1");
  await client.feedback("m-1", { rating: "down", comment: "Wrong." });
  assert.equal(answerOf(chat)?.feedback, "down");
  assert.deepEqual(requests.at(-1)?.body, { rating: "down", comment: "Wrong." });
  await client.conversations.rename("c-1", "Mine");
  assert.equal(chat.view.title, "Mine");
  assert.equal(other.view.title, null);
  await client.conversations.delete("c-1");
  assert.deepEqual([chat.view.conversationId, chat.view.messages.length], [null, 0]);
  chat.close();
  other.close();
});

test("conversations are listed, read and exported", async (t) => {
  const { url, requests } = await serve(t, (request, response) => {
    if (request.path.endsWith("/export")) response.end("everything");
    else if (request.path.startsWith("/conversations?"))
      json(response, 200, { items: [CONVERSATION], next_cursor: "more" });
    else opened()(request, response);
  });
  const { conversations } = createClient({ url });
  const view = { id: "c-1", title: "Orders", createdAt: OLD, updatedAt: OLD };
  assert.deepEqual(await conversations.list({ limit: 5, q: "a&b" }), { items: [view], nextCursor: "more" });
  assert.equal(requests[0]?.path, "/conversations?limit=5&q=a%26b");
  assert.deepEqual(await conversations.get("c-1"), view);
  assert.deepEqual(
    (await conversations.messages("c-1")).map(({ text }) => text),
    ["How many?", "42."],
  );
  assert.equal(await (await conversations.export("c-1")).text(), "everything");
});

test("the assistant is described in the client's own names, its actions in theirs", async (t) => {
  const { url } = await serve(t, (_request, response) =>
    json(response, 200, {
      name: "Desk",
      actions: { change_theme: { description: "…", values: { very_dark: "…" } } },
      limits: { message_characters: 32000, context_bytes: 8192 },
    }),
  );
  const { actions, limits } = await createClient({ url }).assistant();
  assert.deepEqual(limits, { messageCharacters: 32000, contextBytes: 8192 });
  assert.deepEqual(Object.keys(actions.change_theme!.values), ["very_dark"]);
});

test("G590 an answer's stream tells what its model reads as a summary, and the next reading has the last word", async (t) => {
  const history = (told: object) => [RUN, { history: told }, { token: "Hello" }, ENDED];
  const streams = [history({ summary: "Both said hi.", until: "m-0", left_out: false }), history({ left_out: true })];
  const page = { items: [], title: "", version: "2", next_cursor: null, summary: { until: "m-9" } };
  const { url } = await serve(
    t,
    ({ method }, response) => (method === "POST" ? tell(response, streams.shift()!) : json(response, 200, page)),
    { hasNews: true },
  );
  const chat = chatWith(t, url);
  const told: unknown[] = [];
  chat.subscribe(({ summary }) => {
    const until = summary && summary.until;
    if (until !== told.at(-1)) told.push(until);
  });
  for (const text of ["Hi", "And now?"]) {
    await chat.send(text);
    await until(chat, ({ summary }) => summary?.until === "m-9");
  }
  assert.deepEqual(told, ["m-0", "m-9", null, "m-9"], "turns that are left out in no form have no line");
  chat.startNew();
  assert.equal(chat.view.summary, undefined);
});
