/** Connections that break, and come back by themselves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyAnswer, FrontdeskError, reduce } from "../src/index";
import { backoff } from "../src/timing";
import {
  answerOf,
  begin,
  chatWith,
  cut,
  ENDED,
  HERE,
  eventually,
  HEADERS,
  json,
  part,
  problem,
  RUN,
  serve,
  tell,
  until,
} from "./server";
import { toldStories, wire } from "./stories";

const HELLO = [RUN, { token: "Hel" }, { token: "lo" }, ENDED];

test("an answer is streamed, piece by piece", async (t) => {
  const pieces: string[] = [];
  const { url, requests } = await serve(t, (_request, response) => tell(response, HELLO));
  const chat = chatWith(t, url);
  chat.subscribe(({ phase, messages }) => pieces.push(`${phase}: ${messages.map(({ text }) => text).join(" / ")}`));
  await chat.send("  Hi  ");
  assert.equal(pieces[0], "sending: Hi");
  assert.equal(pieces.at(-1), "idle: Hi / Hello");
  assert.equal(requests.length, 1);
  assert.equal(requests[0]?.headers.accept, "text/event-stream");
  assert.deepEqual(requests[0]?.body, { message: "Hi", conversation_id: null, ...HERE });
  assert.equal(chat.view.conversationId, "c-1");
  assert.deepEqual(
    chat.view.messages.map(({ role, status, runId }) => ({ role, status, runId })),
    [
      { role: "user", status: "completed", runId: "r-1" },
      { role: "assistant", status: "completed", runId: "r-1" },
    ],
  );
});

for (const name of ["multi-byte", "suggestions-from-the-model"]) {
  test(`${name}: cut by the network at every byte, the rest comes by itself`, async (t) => {
    const { events } = toldStories().find((one) => one.name === name)!;
    const bytes = Buffer.from(wire(events, { retry: 1 }));
    const ending = bytes.indexOf('{"status":');
    const expected = events.reduce(reduce, emptyAnswer);
    let at = 0;
    const { url, requests } = await serve(t, (request, response) => {
      const seen = Number(/\d+$/.exec(`${request.headers["last-event-id"]}`)?.[0] ?? 0);
      response.writeHead(200, { "content-type": "text/event-stream" });
      if (requests.length > 1) response.end(wire(events.slice(seen), { from: seen + 1, retry: 1 }));
      else response.write(bytes.subarray(0, at), () => response.destroy());
    });
    for (at = 1; at < bytes.length; at++) {
      requests.length = 0;
      const chat = chatWith(t, url);
      await chat.send("Hi");
      const shown = chat.view.messages[1] as typeof expected;
      assert.deepEqual({ ...shown, createdAt: "", suggestions: [] }, { ...expected, suggestions: [] });
      // What follows the end is not worth a connection of its own.
      if (at < ending) assert.deepEqual(chat.view.suggestions, expected.suggestions);
      assert.equal(requests.filter(({ method }) => method === "POST").length, requests[1]?.method === "POST" ? 2 : 1);
      assert.equal(new Set(requests.map(({ headers }) => headers["idempotency-key"]).filter(Boolean)).size, 1);
      chat.close();
    }
  });
}

test("a message whose connection breaks before the first byte is posted again with the same key", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => {
    if (requests.length < 3) response.destroy();
    else tell(response, HELLO);
  });
  const chat = chatWith(t, url);
  const sent = chat.send("Hi");
  await until(chat, ({ phase, connection }) => phase === "reconnecting" && connection === "offline");
  assert.equal(chat.view.messages[0]?.status, "sending");
  await sent;
  assert.equal(answerOf(chat)?.text, "Hello");
  assert.equal(chat.view.connection, "online");
  assert.deepEqual(
    requests.map(({ method, path, body }) => [method, path, body.message]),
    Array(3).fill(["POST", "/chat", "Hi"]),
  );
  assert.equal(new Set(requests.map(({ headers }) => headers["idempotency-key"])).size, 1);
  assert.ok(requests[0]?.headers["idempotency-key"]);
});

test("where streams alone are cut, they are asked for later and later, and the messages are not read each time", async (t) => {
  const fails = 6;
  const { url, requests, to } = await serve(
    t,
    (request, response) => {
      if (request.method === "POST") cut(response, HELLO.slice(0, 2));
      else if (request.path.includes("/messages")) json(response, 200, { items: [], title: "", version: "1" });
      else if (!request.path.endsWith("/events")) response.writeHead(204).end();
      else if (to("/runs/r-1/events").length <= fails) response.destroy();
      else tell(response, HELLO.slice(2), 3);
    },
    { hasNews: true },
  );
  const chat = chatWith(t, url);
  await chat.send("Hi");
  assert.equal(answerOf(chat)?.text, "Hello");
  assert.equal(to("/runs/r-1/events").length, fails + 1);
  const read = requests.filter(({ path }) => path.includes("/messages"));
  assert.ok(read.length < fails, `they were read ${read.length} times`);
});

test("two messages have two keys", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => tell(response, HELLO));
  const chat = chatWith(t, url);
  await chat.send("Hi");
  await chat.send("Hi");
  assert.notEqual(requests[0]?.headers["idempotency-key"], requests[1]?.headers["idempotency-key"]);
  assert.equal(requests[1]?.body.conversation_id, "c-1");
});

test("a message that never arrives fails, and is sent once more when its user wants that", async (t) => {
  const { url, requests, close } = await serve(t, (_request, response) => response.destroy());
  const chat = chatWith(t, url);
  await chat.send("Hi");
  assert.equal(requests.length, 5);
  assert.equal(chat.view.messages[0]?.status, "failed");
  assert.equal(chat.view.error?.code, "network");
  assert.equal(chat.view.error?.recoverable, true);
  assert.equal(chat.view.phase, "idle");
  const keys = new Set(requests.map(({ headers }) => headers["idempotency-key"]));
  await close();
  const again = await serve(t, (_request, response) => tell(response, HELLO), { port: Number(new URL(url).port) });
  await chat.retry();
  assert.equal(answerOf(chat)?.text, "Hello");
  assert.equal(chat.view.error, null);
  assert.deepEqual(new Set(again.requests.map(({ headers }) => headers["idempotency-key"])), keys);
});

test("an answer that is cut goes on after the last id, however often and however long the server is gone", async (t) => {
  const events = [RUN, ..."abcdefghij".split("").map((token) => ({ token })), ENDED];
  const { url, requests } = await serve(t, (request, response) => {
    const seen = Number(/\d+$/.exec(`${request.headers["last-event-id"]}`)?.[0] ?? 0);
    if (requests.length % 3 === 2) response.destroy();
    else if (seen === events.length - 1) tell(response, events.slice(seen), seen + 1);
    else cut(response, events.slice(seen, seen + 1), seen + 1);
  });
  const chat = chatWith(t, url);
  const phases = new Set<string>();
  chat.subscribe(({ phase }) => phases.add(phase));
  await chat.send("Hi");
  assert.equal(answerOf(chat)?.text, "abcdefghij");
  assert.deepEqual([...phases], ["sending", "streaming", "reconnecting", "idle"]);
  assert.deepEqual(
    new Set(requests.slice(1).map(({ method, path }) => `${method} ${path}`)),
    new Set(["GET /runs/r-1/events"]),
  );
});

test("a stream that ends without a status was cut, even if it says that it is done", async (t) => {
  const { url, requests } = await serve(t, (request, response) => {
    if (request.method === "POST") tell(response, HELLO.slice(0, 2));
    else tell(response, HELLO.slice(2), 3);
  });
  const chat = chatWith(t, url);
  await chat.send("Hi");
  assert.equal(answerOf(chat)?.text, "Hello");
  assert.equal(requests[1]?.headers["last-event-id"], "1-2");
});

test("a snapshot replaces what was shown, and the answer goes on from there", async (t) => {
  const snapshot = { snapshot: { message_id: "m-1", text: "Hel", tools_used: ["count"], actions: [] } };
  const { url } = await serve(t, (request, response) => {
    if (request.method === "POST") cut(response, [RUN, { token: "Helxxxx" }]);
    else tell(response, [RUN, snapshot, { token: "lo" }, ENDED]);
  });
  const chat = chatWith(t, url);
  await chat.send("Hi");
  assert.equal(answerOf(chat)?.text, "Hello");
  assert.deepEqual(answerOf(chat)?.toolsUsed, ["count"]);
});

test("a stream on which not even pings come is left, one with pings is not", async (t) => {
  let pings = 0;
  const { url, requests } = await serve(t, (request, response) => {
    if (request.method === "GET") return tell(response, HELLO.slice(2), 3);
    begin(response, part(HELLO.slice(0, 2)));
    const timer = setInterval(() => {
      response.write(": ping\n\n");
      if (++pings === 10) clearInterval(timer);
    }, 150);
    t.after(() => clearInterval(timer));
  });
  const chat = chatWith(t, url);
  await chat.send("Hi");
  assert.equal(answerOf(chat)?.text, "Hello");
  assert.equal(pings, 10, "it was left while pings came");
  assert.equal(requests.length, 2);
});

test("a server that takes a request and says nothing is asked again", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => {
    if (requests.length > 1) tell(response, HELLO);
  });
  const chat = chatWith(t, url);
  await chat.send("Hi");
  assert.equal(answerOf(chat)?.text, "Hello");
});

test("the wait before coming back is the server's", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => {
    if (requests.length > 1) return tell(response, HELLO.slice(1), 2);
    response.writeHead(200, { "content-type": "text/event-stream" }).end(wire([RUN], { retry: 90 }));
  });
  const chat = chatWith(t, url);
  await chat.send("Hi");
  assert.ok(requests[1]!.at - requests[0]!.at >= 44); // half of it; the client's own first wait is at most 30 ms here
});

for (const after of ["2592000", "1e9", "Infinity"]) {
  test(`a server that names ${after} seconds is not asked at once, for which a timer would take them`, async (t) => {
    const { url, to } = await serve(t, (request, response) => {
      if (request.method === "POST") cut(response, HELLO.slice(0, 2));
      else problem(response, 503, "overloaded", { "retry-after": after });
    });
    const chat = chatWith(t, url);
    const waits: number[] = [];
    const { setTimeout: wait } = globalThis;
    globalThis.setTimeout = Object.assign((act: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) => {
      waits.push(ms);
      return wait(act, ms, ...given).unref();
    }, wait);
    t.after(() => (globalThis.setTimeout = wait));
    void chat.send("Hi");
    await until(chat, () => to("/runs/r-1/events").length > 0 && waits.some((ms) => ms > 1e6));
    assert.ok(Math.max(...waits) < 2 ** 31);
    assert.equal(to("/runs/r-1/events").length, 1);
  });
}

test("waits double, are spread, have a longest one, and are never shorter than the server asks for", () => {
  const lost = new FrontdeskError({ code: "network", message: "", recoverable: true, retryAfterS: null });
  const busy = new FrontdeskError({ code: "overloaded", message: "", recoverable: true, retryAfterS: 2 });
  const between = (tries: number, error: FrontdeskError) => {
    const waits = Array.from({ length: 1000 }, () => backoff(tries, 20, error));
    return [Math.min(...waits), Math.max(...waits)].map((ms) => Math.round(ms / 5) * 5);
  };
  assert.deepEqual(
    [1, 2, 3, 9].map((tries) => between(tries, lost)),
    [
      [10, 30],
      [20, 60],
      [40, 120],
      [50, 150],
    ],
  );
  assert.deepEqual(between(1, busy), [2010, 2030]);
});

test("stopping tells the server, and keeps what was said", async (t) => {
  const { url, to } = await serve(t, async (request, response) => {
    if (request.path === "/chat") {
      begin(response, part(HELLO.slice(0, 2)));
      await eventually(() => to("/runs/r-1/cancel").length > 0);
      response.end(wire([{ ...ENDED, status: "cancelled" }], { from: 3 }));
    } else response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  const chat = chatWith(t, url);
  const sent = chat.send("Hi");
  await until(chat, ({ phase }) => phase === "streaming");
  await chat.stop();
  await sent;
  assert.deepEqual([answerOf(chat)?.text, answerOf(chat)?.status, chat.view.phase], ["Hel", "cancelled", "idle"]);
  assert.equal(chat.view.error, null);
  assert.equal(to("/runs/r-1/cancel").length, 1);
});

test("stopping while the connection is lost is shown at once, told to the server when it is back, and ends the trying", async (t) => {
  const { url, close } = await serve(t, (_request, response) => cut(response, HELLO.slice(0, 2)));
  const chat = chatWith(t, url);
  const sent = chat.send("Hi");
  await until(chat, ({ phase }) => phase === "streaming");
  await close();
  await until(chat, ({ phase }) => phase === "reconnecting");
  await chat.stop();
  assert.deepEqual([answerOf(chat)?.text, answerOf(chat)?.status, chat.view.phase], ["Hel", "cancelled", "idle"]);
  const again = await serve(t, (_request, response) => response.end("{}"), { port: Number(new URL(url).port) });
  await eventually(() => again.requests.some(({ method }) => method === "POST"));
  await sent;
  assert.deepEqual(
    again.requests.filter(({ path }) => !path.includes("/messages")).map(({ method, path }) => `${method} ${path}`),
    ["POST /runs/r-1/cancel"],
  );
});

test("a message that is stopped before the server has answered is cancelled as soon as its run is known", async (t) => {
  let answer = () => {};
  const { url, to } = await serve(t, (request, response) => {
    if (request.path === "/chat") answer = () => begin(response, part(HELLO.slice(0, 1)));
    else response.end("{}");
  });
  const chat = chatWith(t, url);
  const sent = chat.send("Hi");
  await eventually(() => to("/chat").length > 0);
  await chat.stop();
  assert.equal(chat.view.phase, "idle");
  answer();
  await sent;
  await eventually(() => to("/runs/r-1/cancel").length > 0);
  assert.equal(answerOf(chat)?.status, "cancelled");
});

/** A fetch without a network behind it, which lets as many streams through as it is given, each cut after its first words. */
function countedFetch(...streams: string[]) {
  const asked: string[] = [];
  const fetch = (url: string | URL | Request, options?: RequestInit) => {
    const { pathname } = new URL(`${url}`);
    if (pathname.endsWith("/messages")) return Promise.reject(new TypeError());
    asked.push(`${options?.method} ${pathname}`);
    const stream = streams.shift();
    return stream ? Promise.resolve(new Response(stream, { headers: HEADERS })) : Promise.reject(new TypeError());
  };
  return { asked, fetch };
}

/** Longer than the longest wait before a try: nothing comes that could be waited for. */
const longer = () => new Promise((resolve) => setTimeout(resolve, 200));

test("a message that is stopped while it cannot be sent is not sent any more", async (t) => {
  const { asked, fetch } = countedFetch();
  const chat = chatWith(t, "http://nowhere", { fetch });
  const sent = chat.send("Hi");
  await until(chat, ({ phase }) => phase === "reconnecting");
  await chat.stop();
  await sent;
  await longer();
  assert.equal(chat.view.messages[0]?.status, "cancelled");
  assert.deepEqual(asked, ["POST /chat"]);
});

test("an answer that is stopped while its connection is lost is not asked for any more", async (t) => {
  const { asked, fetch } = countedFetch(part(HELLO.slice(0, 2)));
  const chat = chatWith(t, "http://nowhere", { fetch });
  const sent = chat.send("Hi");
  await until(chat, ({ phase }) => phase === "reconnecting");
  await chat.stop();
  await sent;
  await eventually(() => asked.length > 5); // the server is to be told, and cannot be
  await longer();
  assert.deepEqual(asked, ["POST /chat", ...Array(5).fill("POST /runs/r-1/cancel")]);
});

for (const streams of [[], [part(HELLO.slice(0, 2))]]) {
  const what = streams.length ? "its answer was cut" : "its message could not be sent";
  test(`a chat that is closed while it waits because ${what} asks nothing any more`, async (t) => {
    const { asked, fetch } = countedFetch(...streams);
    const chat = chatWith(t, "http://nowhere", { fetch });
    const sent = chat.send("Hi");
    await until(chat, ({ phase }) => phase === "reconnecting");
    chat.close();
    await sent;
    await longer();
    assert.deepEqual(asked, ["POST /chat"]);
  });
}

for (const phase of ["sending", "reconnecting"] as const) {
  test(`a chat that is closed by who hears that it is ${phase} asks nothing any more, and waits for nothing`, async (t) => {
    let asked = 0;
    const busy = async () => {
      asked += 1;
      return new Response("{}", { status: 503, headers: { "retry-after": "30" } });
    };
    const chat = chatWith(t, "http://nowhere", { fetch: busy });
    chat.subscribe((view) => view.phase === phase && chat.close());
    const sent = chat.send("Hi").then(() => "done");
    assert.equal(await Promise.race([sent, longer()]), "done");
    assert.equal(asked, phase === "sending" ? 0 : 1);
  });
}

test("closing ends the reading and tells nobody anything", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => begin(response, part(HELLO.slice(0, 2))));
  const chat = chatWith(t, url);
  const sent = chat.send("Hi");
  await until(chat, ({ phase }) => phase === "streaming");
  chat.close();
  await sent;
  assert.deepEqual(
    requests.map(({ path }) => path),
    ["/chat"],
  );
});
