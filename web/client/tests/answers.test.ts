/** Answers that are no streams: JSON, refusals, tokens that have expired, servers that are busy. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, FrontdeskError } from "../src/index";
import { answerOf, chatWith, ENDED, HERE, json, problem, RUN, serve, tell, until } from "./server";
import { toldStories } from "./stories";

const HELLO = [RUN, { token: "Hello" }, ENDED];

for (const name of ["tool-and-action", "suggestions-from-the-model", "reasoning"]) {
  test(`${name}: a server that answers with JSON shows the same`, async (t) => {
    const { answer, events } = toldStories().find((one) => one.name === name)!;
    const streaming = await serve(t, (_request, response) => tell(response, events));
    const { url, requests } = await serve(t, (_request, response) => json(response, 200, answer));
    const [chat, streamed] = [chatWith(t, url), chatWith(t, streaming.url)];
    await chat.send("Hi");
    await streamed.send("Hi");
    const parts = ({ messages, ...view }: typeof chat.view) => [
      messages.map(({ role, text, reasoning, toolsUsed, actions, status }) => ({
        role,
        text,
        reasoning,
        toolsUsed,
        actions,
        status,
      })),
      view,
    ];
    assert.deepEqual(parts(chat.view), parts(streamed.view));
    assert.equal(requests.length, 1);
  });
}

test("a failed run that is told as JSON keeps what it said, and says why", async (t) => {
  const { answer } = toldStories().find((one) => one.name === "provider-fails-midway")!;
  const { url, requests } = await serve(t, (_request, response) => json(response, 502, answer));
  const chat = chatWith(t, url);
  await chat.send("Hi");
  assert.equal(answerOf(chat)?.text, answer.response);
  assert.equal(answerOf(chat)?.status, "failed");
  assert.equal(chat.view.error?.code, answer.error?.code);
  assert.equal(requests.length, 1, "it was an answer, not a server that is gone");
});

test("a run that fails in the stream says why, and can be made anew", async (t) => {
  const failed = [
    RUN,
    { error: { code: "model_unavailable", message: "Not now.", recoverable: true } },
    { ...ENDED, status: "failed" },
  ];
  const { url, to } = await serve(t, (request, response) => tell(response, request.path === "/chat" ? failed : HELLO));
  const chat = chatWith(t, url);
  await chat.send("Hi");
  const error = { code: "model_unavailable", message: "Not now.", recoverable: true, retryAfterS: null };
  assert.deepEqual([chat.view.error, answerOf(chat)?.error, answerOf(chat)?.status], [error, error, "failed"]);
  await chat.retry();
  assert.deepEqual(to("/conversations/c-1/regenerate")[0]?.body, { message_id: "m-1", ...HERE });
  assert.deepEqual([chat.view.error, answerOf(chat)?.text, chat.view.messages.length], [null, "Hello", 2]);
});

test("a refusal ends at once, with the server's code and words", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => problem(response, 422, "invalid_request"));
  const chat = chatWith(t, url);
  await chat.send("Hi");
  const { code, message, recoverable, retryAfterS } = chat.view.error!;
  assert.deepEqual(
    [code, message, recoverable, retryAfterS],
    ["invalid_request", "It is invalid_request.", false, null],
  );
  assert.deepEqual([chat.view.phase, chat.view.messages[0]?.status], ["idle", "failed"]);
  assert.equal(requests.length, 1);
});

test("after a 401 the token is asked for again, and the message is posted with the fresh one", async (t) => {
  const tokens = ["old"];
  const { url, requests } = await serve(t, (request, response) => {
    if (request.headers.authorization === "Bearer old") problem(response, 401, "unauthorized");
    else tell(response, HELLO);
  });
  const chat = chatWith(t, url, { token: async () => tokens.shift() ?? "new" });
  await chat.send("Hi");
  assert.equal(answerOf(chat)?.text, "Hello");
  assert.deepEqual(
    requests.map(({ headers }) => headers.authorization),
    ["Bearer old", "Bearer new"],
  );
  assert.equal(new Set(requests.map(({ headers }) => headers["idempotency-key"])).size, 1);
});

test("a token that is refused twice is told, and nobody hammers", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => problem(response, 401, "unauthorized"));
  const chat = chatWith(t, url, { token: () => "old" });
  await chat.send("Hi");
  assert.equal(chat.view.error?.code, "unauthorized");
  assert.equal(requests.length, 2);
});

test("a stream that goes on after the token has expired asks for a fresh one", async (t) => {
  let valid = "one";
  const { url, requests } = await serve(t, (request, response) => {
    if (request.headers.authorization !== `Bearer ${valid}`) {
      isFresh = true;
      problem(response, 401, "unauthorized");
    } else if (request.method === "GET") tell(response, HELLO.slice(1), 2);
    else {
      tell(response, HELLO.slice(0, 1));
      valid = "two";
    }
  });
  let isFresh = false;
  const token = () => (isFresh ? "two" : "one");
  const chat = chatWith(t, url, { token });
  await chat.send("Hi");
  assert.equal(answerOf(chat)?.text, "Hello");
  assert.deepEqual(
    requests.map(({ method, headers }) => `${method} ${headers.authorization}`),
    ["POST Bearer one", "GET Bearer one", "GET Bearer two"],
  );
});

test("a token that cannot be had is like a connection that is not there", async (t) => {
  let asked = 0;
  const { url, requests } = await serve(t, (_request, response) => tell(response, HELLO));
  const token = () => {
    if (++asked < 3) throw new Error("signed out");
    return "token";
  };
  const chat = chatWith(t, url, { token });
  await chat.send("Hi");
  assert.equal(answerOf(chat)?.text, "Hello");
  assert.equal(requests.length, 1);
});

test("a busy server is asked again when it said, with the same key, and not before, whatever happens to the page", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => {
    if (requests.length === 1) problem(response, 503, "overloaded", { "retry-after": "1" });
    else tell(response, HELLO);
  });
  const page = new EventTarget();
  Object.assign(globalThis, { addEventListener: page.addEventListener.bind(page) });
  t.after(() => Reflect.deleteProperty(globalThis, "addEventListener"));
  const chat = chatWith(t, url);
  const sent = chat.send("Hi");
  await until(chat, ({ phase }) => phase === "reconnecting");
  page.dispatchEvent(new Event("visibilitychange"));
  await sent;
  assert.equal(answerOf(chat)?.text, "Hello");
  assert.ok(requests[1]!.at - requests[0]!.at >= 1000);
  assert.equal(requests[0]?.headers["idempotency-key"], requests[1]?.headers["idempotency-key"]);
});

test("who is to come back in an hour is told so", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => {
    if (requests.length === 1) problem(response, 429, "quota_exceeded", { "retry-after": "3600" });
    else tell(response, HELLO);
  });
  const chat = chatWith(t, url);
  await chat.send("Hi");
  assert.deepEqual([chat.view.error?.code, chat.view.error?.retryAfterS], ["quota_exceeded", 3600]);
  assert.equal(requests.length, 1);
  await chat.retry();
  assert.equal(answerOf(chat)?.text, "Hello");
  assert.equal(requests[0]?.headers["idempotency-key"], requests[1]?.headers["idempotency-key"]);
});

test("a page that stands between, with a status of its own, is not an answer", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => {
    if (requests.length < 3)
      response.writeHead(requests.length === 1 ? 502 : 200, { "content-type": "text/html" }).end("<h1>Hotel</h1>");
    else tell(response, HELLO);
  });
  const chat = chatWith(t, url);
  await chat.send("Hi");
  assert.equal(answerOf(chat)?.text, "Hello");
});

test("events that are not of the contract change nothing and stop nothing", async (t) => {
  const { url } = await serve(t, (_request, response) => {
    const strange = ['"text"', "5", "null", "[]", "{", '{"weather":"fine"}', '{"tools_used":null}'];
    response.writeHead(200, { "content-type": "text/event-stream" });
    const frames = [JSON.stringify(RUN), ...strange, '{"token":"Hello"}', JSON.stringify(ENDED)];
    response.end(frames.map((data, n) => `id: 1-${n + 1}\ndata: ${data}\n\n`).join(""));
  });
  const chat = chatWith(t, url);
  await chat.send("Hi");
  assert.equal(answerOf(chat)?.text, "Hello");
});

test("every call of the client rejects with an error of its own", async (t) => {
  const { url, close } = await serve(t, (request, response) => {
    if (/^\/conversations\??$/.test(request.path)) response.end("<h1>Hotel</h1>");
    else problem(response, 404, "not_found");
  });
  const client = createClient({ url: `${url}/` });
  const calls = [
    () => client.conversations.get("c-1"),
    () => client.conversations.rename("c-1", "x"),
    () => client.conversations.delete("c-1"),
    () => client.conversations.export("c-1"),
    () => client.feedback("m-1", { rating: "up" }),
    () => client.suggestions("m-1"),
    () => client.assistant(),
  ];
  for (const call of calls) {
    await assert.rejects(
      call,
      (error) => error instanceof FrontdeskError && error.code === "not_found" && error.status === 404,
    );
  }
  await assert.rejects(client.conversations.list(), { code: "bad_response" });
  await close();
  for (const call of calls) await assert.rejects(call, { code: "network", recoverable: true });
});

test("follow-up questions are asked for by the answer's id, where the assistant has them on demand", async (t) => {
  const { url, requests } = await serve(t, (request, response) => {
    if (request.path.startsWith("/assistant"))
      json(response, 200, { name: "Desk", suggestions: true, suggestions_when: "on_demand", limits: {} });
    else json(response, 200, { message_id: "m/1", suggested_questions: ["And today?"] });
  });
  const client = createClient({ url });
  assert.equal((await client.assistant()).suggestionsWhen, "on_demand");
  assert.deepEqual(await client.suggestions("m/1"), ["And today?"]);
  const { method, path, body } = requests.at(-1)!;
  assert.deepEqual([method, path, body], ["POST", "/messages/m%2F1/suggestions", undefined]);
});
