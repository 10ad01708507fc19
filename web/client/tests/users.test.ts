/** One client after another user: nothing of the last one is shown, kept or sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "../src/client";
import { ownerOf } from "../src/owner";
import { begin, chatWith, ENDED, eventually, json, part, RUN, serve, tell, until } from "./server";

const HELLO = [RUN, { token: "Hello" }, ENDED];

/** Makes a token as an issuer would: the same user's differ from each other. */
function tokenOf(sub: string, others: object = {}): string {
  const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString("base64url");
  return `${part({ alg: "HS256" })}.${part({ tenant_id: "acme", sub, iat: Math.random(), ...others })}.x`;
}

test("tokens of one user are alike, and unlike all others", () => {
  const ann = ownerOf(tokenOf("ann"));
  assert.equal(ownerOf(tokenOf("ann", { exp: 1, jti: "ü?>~~~" })), ann);
  const others = [
    tokenOf("ben"),
    tokenOf("ann", { tenant_id: "zen" }),
    tokenOf("a", { tenant_id: 'cme","ann' }),
    "opaque",
    "",
  ];
  assert.equal(new Set([ann, ...others.map(ownerOf)]).size, 6);
  assert.equal(ownerOf("another.opaque.one"), ownerOf("opaque"));
});

test("a fresh token of the same user changes nothing", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => tell(response, HELLO));
  const chat = chatWith(t, url, { token: async () => tokenOf("ann") });
  await chat.send("one");
  await chat.send("two");
  assert.equal(chat.view.messages.length, 4);
  assert.equal(requests[1]!.body.conversation_id, "c-1");
});

test("what is said with another user's token is not said in the last one's conversation", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => tell(response, HELLO));
  let sub = "ann";
  let changes = 0;
  const client = createClient({ url, token: () => tokenOf(sub), onUserChange: () => (changes += 1) });
  const chat = client.chat();
  await chat.send("one");
  sub = "ben";
  await chat.send("two");
  assert.deepEqual([changes, chat.view.messages, chat.view.conversationId, chat.view.error], [1, [], null, null]);
  assert.equal(requests.length, 1, "it was written where another one's conversation stood");
  await chat.send("three");
  assert.equal(requests[1]!.body.conversation_id, null);
  assert.equal(chat.view.messages.length, 2);
});

test("signing out empties all chats at once, and ends what was under way", async (t) => {
  const { url, requests } = await serve(t, (request, response) => {
    if (request.method === "POST") begin(response, part([RUN, { token: "Hel" }]));
  });
  const client = createClient({ url, token: () => tokenOf("ann") });
  const chat = client.chat();
  const heard: unknown[] = [];
  chat.onEvent((event) => heard.push(event));
  const sent = chat.send("one");
  await until(chat, (view) => view.messages.at(-1)?.text === "Hel");
  const list = client.conversations.list();
  await eventually(() => requests.length === 2);
  const before = heard.length;
  chat.signOut();
  assert.deepEqual([chat.view.messages, chat.view.title, chat.view.phase], [[], null, "idle"]);
  await sent;
  await assert.rejects(list, { code: "signed_out" });
  assert.deepEqual([chat.view.messages, chat.view.error, heard.length], [[], null, before]);
  assert.equal(chat.view.connection, "online");
});

test("a message whose token comes late, and is another user's, is never sent", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => tell(response, HELLO));
  let give = (_token: string) => {};
  const tokens = [() => new Promise<string>((resolve) => (give = resolve)), async () => tokenOf("ben")];
  const chat = chatWith(t, url, { token: () => tokens.shift()!() });
  const first = chat.send("of ann");
  await eventually(() => tokens.length === 1);
  chat.signOut();
  await chat.send("of ben");
  give(tokenOf("ben"));
  await first;
  assert.deepEqual(
    requests.map(({ body }) => body.message),
    ["of ben"],
  );
  assert.equal(chat.view.messages[0]!.text, "of ben");
});

test("a token that never comes holds up nobody else's messages", async (t) => {
  const { url } = await serve(t, (_request, response) => tell(response, HELLO));
  let give = (_token: string) => {};
  const never = () => new Promise<string>((resolve) => (give = resolve));
  let isAnn = true;
  let asked = 0;
  t.after(() => give(""));
  const token = () => (asked++, isAnn ? never() : Promise.resolve(tokenOf("ben")));
  const chat = chatWith(t, url, { token });
  void chat.send("of ann");
  await eventually(() => asked === 1);
  isAnn = false;
  chat.signOut();
  await Promise.all([chat.send("of ben"), chat.send("and more")]);
  assert.equal(chat.view.messages.length, 4);
});

test("after a 401 the other user's token is not used for what the last one asked", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => json(response, 401, { code: "unauthorized" }));
  const subs = ["ann", "ben"];
  const chat = chatWith(t, url, { token: () => tokenOf(subs.shift() ?? "ben") });
  await chat.send("of ann");
  assert.equal(requests.length, 1);
  assert.deepEqual(chat.view.messages, []);
});

test("no action and no page-side tool of a user who is gone is done, and no result is posted", async (t) => {
  const { url, requests } = await serve(t, (request, response) => {
    const asked = { tool_call_id: "t-1", name: "read_cart", arguments: {}, expires_at: "2999-01-01T00:00:00Z" };
    const action = { type: "change_theme", value: "dark", id: "late-1" };
    if (request.path === "/chat")
      tell(response, [RUN, { client_tool: asked }, { action }, { status: "awaiting_input" }]);
    else json(response, 200, {});
  });
  const client = createClient({ url, token: () => tokenOf("ann") });
  const done: string[] = [];
  let finish = (_result: string) => {};
  const read_cart = () => new Promise((resolve) => (finish = resolve));
  const chat = client.chat({ tools: { read_cart }, actions: { change_theme: (value) => done.push(value) } });
  chat.onEvent(({ event }) => "action" in event && client.signOut());
  void chat.send("one");
  await until(chat, (view) => view.phase !== "idle");
  await until(chat, (view) => view.phase === "idle" && view.messages.length === 0);
  finish("secret");
  await chat.send("two").catch(() => {});
  assert.deepEqual(done, []);
  assert.ok(!requests.some(({ path }) => path.endsWith("/results")));
});

test("nobody after somebody empties the chat, and somebody after nobody keeps what is there", async (t) => {
  const { url } = await serve(t, (_request, response) => tell(response, HELLO));
  let token = "";
  const client = createClient({ url, token: () => token });
  const chat = client.chat();
  await chat.send("one");
  token = tokenOf("ann");
  const ann = await client.user();
  assert.equal(chat.view.messages.length, 2);
  token = "";
  await assert.rejects(client.user(), { code: "signed_out" });
  assert.equal(chat.view.messages.length, 0);
  token = tokenOf("ann");
  assert.equal(await client.user(), ann);
});

test("an edit that waits for a stop is not made when its user is gone", async (t) => {
  let release = () => {};
  const { url, requests } = await serve(t, (request, response) => {
    if (request.path === "/chat") begin(response, part([RUN, { token: "Hel" }]));
    else if (request.path.endsWith("/cancel")) release = () => json(response, 200, {});
  });
  const chat = chatWith(t, url, { token: () => tokenOf("ann") });
  void chat.send("one");
  await until(chat, (view) => view.messages.at(-1)?.text === "Hel");
  const edited = chat.regenerate();
  await eventually(() => requests.some(({ path }) => path.endsWith("/cancel")));
  chat.signOut();
  release();
  await edited;
  assert.ok(!requests.some(({ path }) => path.endsWith("/regenerate")));
  assert.deepEqual(chat.view.messages, []);
});
