/** One conversation in several places: what was said elsewhere is seen, once and in its order, and the server is the truth. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createClient } from "../src/index";
import type { Chat } from "../src/types";
import { begin, ENDED, eventually, json, part, problem, type Received, serve, tell, until } from "./server";

interface Row {
  id: string;
  run_id: string;
  role: string;
  text: string;
  turn: number;
  position: number;
  superseded_by: number | null;
  [name: string]: unknown;
}

/** A conversation as the server keeps it, with `after` as the server understands it. */
class Book {
  rows: Row[] = [];
  title = "Orders";
  turn = 0;
  position = 0;
  isDeleted = false;
  createdAt = "2026-01-01T00:00:00+00:00";

  /** Says something and answers it, as another tab or another device would. */
  say(text: string, answer: string | null, more: object = {}): string {
    this.turn += 1;
    const run_id = `run-${this.turn}`;
    this.add(run_id, "user", text, more);
    if (answer !== null) this.add(run_id, "assistant", answer, more);
    return run_id;
  }

  add(run_id: string, role: string, text: string, more: object = {}): void {
    this.position += 1;
    const { createdAt: created_at, turn, position } = this;
    const common = { status: "complete", created_at, is_error: false, superseded_by: null, tool_calls: [] };
    const row = { id: `m-${position}`, run_id, role, text, turn, position, ...common };
    this.rows.push({ ...row, tool_call_id: null, tool_name: null, ...more });
  }

  /** Answers the last message again: it goes over to a new turn. */
  again(answer: string): void {
    const last = this.turn;
    this.turn += 1;
    for (const row of this.rows.filter((one) => one.turn === last)) {
      if (row.role === "user") Object.assign(row, { turn: this.turn, run_id: `run-${this.turn}` });
      else row.superseded_by = this.turn;
    }
    this.add(`run-${this.turn}`, "assistant", answer);
  }

  page(path: string): object {
    const after = new URL(path, "http://x").searchParams.get("after");
    const [turn, position] = after ? after.split("-").map(Number) : [-1, -1];
    const isNew = (row: Row) => row.position > position! || row.turn > turn! || (row.superseded_by ?? -1) > turn!;
    const items = this.rows.filter(isNew).sort((a, b) => a.turn - b.turn || a.position - b.position);
    return { items, next_cursor: null, title: this.title, version: `${this.turn}-${this.position}` };
  }
}

/** Serves a book; posted messages are answered with themselves. */
async function library(t: TestContext, book: Book, answer?: (request: Received) => boolean) {
  return serve(
    t,
    (request, response) => {
      const { path, body } = request;
      if (book.isDeleted) return problem(response, 404, "not_found");
      if (path.includes("/messages?")) return json(response, 200, book.page(path));
      if (path !== "/chat") return answer?.(request) ? undefined : void response.writeHead(204).end();
      const run_id = book.say(body.message, `${body.message}!`);
      tell(response, [{ conversation_id: "c-1", run_id, message_id: "a" }, { token: `${body.message}!` }, ENDED]);
    },
    { hasNews: true },
  );
}

const texts = (chat: Chat) => chat.view.messages.map(({ text }) => text);

/** A page that can be looked at. */
function openPage(t: TestContext): (type: string) => void {
  const page = new EventTarget();
  Object.assign(globalThis, { addEventListener: page.addEventListener.bind(page) });
  t.after(() => Reflect.deleteProperty(globalThis, "addEventListener"));
  return (type) => page.dispatchEvent(new Event(type));
}

/** Takes away what tabs hear each other by. */
function deafen(t: TestContext): void {
  const { BroadcastChannel } = globalThis;
  Reflect.deleteProperty(globalThis, "BroadcastChannel");
  t.after(() => Object.assign(globalThis, { BroadcastChannel }));
}

function chatAt(t: TestContext, url: string): Chat {
  const chat = createClient({ url }).chat();
  t.after(() => chat.close());
  return chat;
}

for (const type of ["visibilitychange", "focus", "online", "pageshow"]) {
  test(`what was said elsewhere is shown when the page is looked at (${type})`, async (t) => {
    deafen(t);
    const look = openPage(t);
    const book = new Book();
    book.say("one", "1");
    const { url } = await library(t, book);
    const chat = chatAt(t, url);
    await chat.open("c-1");
    const [before] = chat.view.messages;
    book.say("two", "2");
    book.title = "Renamed";
    look(type);
    await until(chat, ({ messages }) => messages.length === 4);
    assert.deepEqual([texts(chat), chat.view.title], [["one", "1", "two", "2"], "Renamed"]);
    assert.equal(chat.view.messages[0], before, "what has not changed is the same object");
  });
}

test("a reading that brought nothing does not take the place of a later one that did", async (t) => {
  deafen(t);
  const look = openPage(t);
  const book = new Book();
  book.say("one", "1");
  const held: (() => void)[] = [];
  const { url } = await serve(
    t,
    ({ path }, response) => {
      if (!path.includes("/messages?")) return void response.writeHead(204).end();
      const page = book.page(path); // as it was when it was asked for
      if (path.includes("after=") && held.length < 2) held.push(() => json(response, 200, page));
      else json(response, 200, page);
    },
    { hasNews: true },
  );
  const chat = chatAt(t, url);
  await chat.open("c-1");
  look("focus");
  await eventually(() => held.length === 1);
  book.say("two", "2");
  look("visibilitychange");
  await eventually(() => held.length === 2);
  for (const answer of held) answer();
  await until(chat, ({ messages }) => messages.length === 4);
  assert.deepEqual(texts(chat), ["one", "1", "two", "2"]);
});

test("what was said elsewhere stands before what is sent from here, and that stands there once", async (t) => {
  deafen(t);
  const book = new Book();
  book.say("one", "1");
  const { url, requests } = await library(t, book);
  const chat = chatAt(t, url);
  await chat.open("c-1");
  book.say("two", "2");
  const ids = new Set<string>();
  const most = { count: 0 };
  chat.subscribe(({ messages }) => {
    for (const { id, text } of messages) if (text === "three") ids.add(id);
    most.count = Math.max(most.count, messages.filter(({ text }) => text === "three").length);
  });
  await chat.send("three");
  await until(chat, ({ messages }) => messages.length === 6);
  assert.deepEqual(texts(chat), ["one", "1", "two", "2", "three", "three!"]);
  assert.deepEqual([ids.size, most.count], [1, 1], "one message, one key, at any moment");
  const asked = requests.filter(({ path }) => path.includes("/messages?")).map(({ path }) => path.split("after=")[1]);
  assert.deepEqual([asked[0], asked[1]], [undefined, "1-2"], "only what is new is read");
});

test("a tab that hears of another one's message shows it at once, and its answer while it is made", async (t) => {
  const book = new Book();
  book.say("one", "1");
  let end = () => {};
  const { url } = await serve(
    t,
    (request, response) => {
      const { path, body } = request;
      if (path.includes("/messages?")) return json(response, 200, book.page(path));
      if (path === "/chat") book.say(body.message, null);
      else if (!path.endsWith("/stream") || book.turn < 2) return response.writeHead(204).end();
      const events = [{ conversation_id: "c-1", run_id: "run-2", message_id: "a" }, { token: "Ha" }];
      begin(response, part(events));
      const before = end;
      end = () => {
        before();
        response.end(part([{ token: "lf" }, ENDED], 3));
      };
    },
    { hasNews: true },
  );
  const [here, there] = [chatAt(t, url), chatAt(t, url)];
  await Promise.all([here.open("c-1"), there.open("c-1")]);
  void here.send("two");
  await until(there, ({ messages }) => messages.at(-1)?.text === "Ha");
  assert.deepEqual(texts(there), ["one", "1", "two", "Ha"]);
  end();
  await until(there, ({ messages, phase }) => messages.at(-1)?.text === "Half" && phase === "idle");
});

test("an answer that is made anew elsewhere takes the old one's place here", async (t) => {
  const look = openPage(t);
  const book = new Book();
  book.say("one", "1");
  book.say("two", "2");
  const { url } = await library(t, book);
  const chat = chatAt(t, url);
  await chat.open("c-1");
  book.again("Two.");
  look("focus");
  await until(chat, ({ messages }) => messages.at(-1)?.text === "Two.");
  assert.deepEqual(texts(chat), ["one", "1", "two", "Two."]);
  assert.deepEqual(
    chat.view.messages.at(-1)?.versions.map(({ text }) => text),
    ["2"],
  );
});

test("what was read before a message was taken does not take the message away", async (t) => {
  deafen(t);
  const look = openPage(t);
  const book = new Book();
  book.say("one", "1");
  const held: (() => void)[] = [];
  let isHolding = false;
  const { url } = await serve(
    t,
    async ({ path }, response) => {
      if (path.includes("/messages?")) {
        const page = book.page(path);
        const answer = () => json(response, 200, page);
        return isHolding ? void held.push(answer) : answer();
      }
      if (path !== "/chat") return void response.writeHead(204).end();
      await eventually(() => held.length > 0);
      const run_id = book.say("two", "2");
      tell(response, [{ conversation_id: "c-1", run_id, message_id: "a" }, { token: "2" }, ENDED]);
    },
    { hasNews: true },
  );
  const chat = chatAt(t, url);
  await chat.open("c-1");
  isHolding = true;
  const sent = chat.send("two");
  look("focus");
  await sent;
  const { length } = held;
  held[0]!();
  await eventually(() => held.length > length); // outdated, so it is read once more
  assert.deepEqual(texts(chat), ["one", "1", "two", "2"]);
  isHolding = false;
  for (const answer of held.slice(1)) answer();
});

test("a new conversation has its title from the first answer on", async (t) => {
  const { url } = await library(t, new Book());
  const chat = chatAt(t, url);
  await chat.send("How many?");
  await until(chat, ({ title }) => title === "Orders");
  assert.deepEqual(texts(chat), ["How many?", "How many?!"]);
});

test("a conversation that was deleted elsewhere is told as such, and what was said stands there", async (t) => {
  const book = new Book();
  book.say("one", "1");
  const { url } = await library(t, book);
  const shown = createClient({ url }).chat();
  t.after(() => shown.close());
  await shown.open("c-1");
  book.isDeleted = true;
  const other = new BroadcastChannel("frontdesk");
  t.after(() => other.close());
  other.postMessage("c-1");
  await until(shown, ({ error }) => error?.code === "not_found");
  assert.deepEqual(texts(shown), ["one", "1"]);
});

test("a message that does not arrive says why", async (t) => {
  const book = new Book();
  const { url } = await library(t, book);
  const chat = chatAt(t, url);
  await chat.send("one");
  book.isDeleted = true;
  await chat.send("two");
  assert.deepEqual(
    chat.view.messages.slice(2).map(({ status, error }) => [status, error?.code]),
    [["failed", "not_found"]],
  );
});

test("what cannot be read anew is left as it is, and no error is made of it", async (t) => {
  const look = openPage(t);
  const book = new Book();
  book.say("one", "1");
  let isBroken = false;
  const { url, requests } = await serve(
    t,
    ({ path }, response) => {
      if (isBroken) problem(response, 503, "overloaded");
      else if (path.includes("/messages?")) json(response, 200, book.page(path));
      else response.writeHead(204).end();
    },
    { hasNews: true },
  );
  const chat = chatAt(t, url);
  await chat.open("c-1");
  await eventually(() => requests.length === 2);
  isBroken = true;
  look("focus");
  await eventually(() => requests.length === 3);
  assert.deepEqual([texts(chat), chat.view.error], [["one", "1"], null]);
});

for (const [name, skewMs] of [
  ["slow", -86_400_000],
  ["fast", 86_400_000],
  ["right", 0],
] as const) {
  test(`by a clock that is ${name}, of the last turns those that are new are read once more`, async (t) => {
    const realNow = Date.now;
    t.mock.method(Date, "now", () => realNow() + skewMs);
    const book = new Book();
    for (let turn = 1; turn <= 8; turn++) {
      book.createdAt = new Date(realNow() - (turn < 8 ? 600_000 : 5_000)).toISOString();
      book.say(`${turn}?`, `${turn}.`);
    }
    const read: string[] = [];
    const { url } = await library(t, book, ({ path }) => {
      if (path.endsWith("/events")) read.push(path);
      return false;
    });
    const chat = chatAt(t, url);
    await chat.open("c-1");
    await eventually(() => read.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 100)); // nothing comes to wait for
    assert.deepEqual(read, ["/runs/run-8/events"]);
  });
}
