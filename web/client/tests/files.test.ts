/** Files: each is uploaded by itself, what went wrong is said of it, and a message has those that are there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openFiles } from "../src/files";
import { openMemories } from "../src/memories";
import { emptyAnswer, reduce } from "../src/reduce";
import { foldMessages, type StoredMessage } from "../src/transcript";
import type { WireEvent } from "../src/wire";
import { eventually, json, problem, serve } from "./server";

const ACCEPTED = { types: [".txt"], max_bytes: 10, max_per_message: 3 };
const told = (id: string) => ({ id, name: `${id}.txt`, media_type: "text/plain", bytes: 3 });

test("G547 uploads go one after the other, with the user's token, and a message waits for the last", async (t) => {
  const refusals = ["", "unsupported_file", "cut", ""];
  let count = 0;
  const { url, requests } = await serve(t, (request, response) => {
    if (request.method === "DELETE") return response.writeHead(204).end();
    if (request.method === "GET") return response.end("abc");
    const refusal = refusals.shift();
    if (refusal === "cut") return response.destroy();
    if (refusal) return problem(response, 415, refusal);
    json(response, 201, { ...told(`f${++count}`), created_at: "2026-11-29T00:00:00Z", note: null });
  });
  const files = openFiles({ url, token: () => "t" });
  assert.equal(await (await files.read("f9")).text(), "abc");
  const uploads = files.uploads(ACCEPTED);
  t.after(() => uploads.close());
  uploads.add([new File(["abc"], "a.txt"), new File(["abc"], "b.exe"), new File(["abc"], "c.txt")]);
  uploads.add([new File(["x".repeat(11)], "large.txt"), new File(["abc"], "many.txt")]);
  await assert.rejects(uploads.settled(), { code: "unsupported_file" });
  assert.deepEqual(
    uploads.items.map(({ name, status, error }) => [name, status, error?.code, error?.recoverable]),
    [
      ["a.txt", "ready", undefined, undefined],
      ["b.exe", "failed", "unsupported_file", false],
      ["c.txt", "failed", "network", true],
      ["large.txt", "failed", "file_too_large", false],
      ["many.txt", "failed", "too_many_files", false],
    ],
  );
  uploads.retry(uploads.items[2]!.key);
  for (const { key, name } of uploads.items) if (/exe|large|many/.test(name)) uploads.remove(key);
  assert.deepEqual(await uploads.settled(), [told("f1"), told("f2")]);
  uploads.remove(uploads.items[0]!.key);
  await eventually(() => requests.some(({ method, path }) => method === "DELETE" && path === "/files/f1"));
  const posts = requests.filter(({ method }) => method === "POST");
  assert.equal(posts.length, 4);
  assert.ok(posts.every(({ headers }) => headers.authorization === "Bearer t"));
  assert.match(posts[0]!.body, /name="file"; filename="a.txt"/);
  uploads.sent();
  uploads.close();
  assert.equal(requests.filter(({ method }) => method === "DELETE").length, 1, "a message has the other one");
});

test("G591 what a user was about to upload is never uploaded once they have left, nor with the next one's token", async (t) => {
  const tokenOf = (sub: string) => `x.${Buffer.from(JSON.stringify({ sub })).toString("base64url")}.x`;
  const { url, requests } = await serve(t, (_request, response) => json(response, 201, told("f1")));
  /** Given in this order: two for each upload. */
  const tokens: (() => string | Promise<string>)[] = [];
  let give: (token: string) => void = () => {};
  const uploads = openFiles({ url, token: () => tokens.shift()!() }).uploads(ACCEPTED);
  tokens.push(
    () => tokenOf("ann"),
    () => tokenOf("ben"),
  );
  uploads.add([new File(["abc"], "a.txt")]);
  await assert.rejects(uploads.settled(), { code: "signed_out" });
  uploads.remove(uploads.items[0]!.key);
  tokens.push(
    () => tokenOf("ann"),
    () => new Promise((resolve) => (give = resolve)),
  );
  uploads.add([new File(["abc"], "b.txt")]);
  await eventually(() => !tokens.length);
  uploads.close();
  give(tokenOf("ann"));
  await uploads.settled();
  assert.deepEqual(requests, []);
});

test("G548 what a tool gave is the same in a stream and when it is read again", () => {
  const file = { ...told("f1"), tool_call_id: "c1" };
  const stream = [
    { conversation_id: "k", run_id: "r", message_id: "m2" },
    { tool_call: { id: "c1", name: "draw", status: "ok", result: "drawn" } },
    { file },
    { token: "Here." },
  ] as unknown as WireEvent[];
  const plain = { run_id: "r", turn: 1, status: "complete", created_at: "", superseded_by: null, is_error: false };
  const stored = [
    { ...plain, id: "m0", role: "user", text: "Draw.", position: 1, tool_calls: [], files: [told("f0")] },
    {
      ...plain,
      id: "m1",
      role: "tool",
      text: "drawn",
      position: 2,
      tool_call_id: "c1",
      tool_name: "draw",
      files: [told("f1")],
    },
    { ...plain, id: "m2", role: "assistant", text: "Here.", position: 3, tool_calls: [] },
  ] as unknown as StoredMessage[];
  const [exchange] = foldMessages(stored);
  assert.deepEqual(exchange!.answer!.files, stream.reduce(reduce, emptyAnswer).files);
  assert.deepEqual(exchange!.answer!.files, [file]);
  assert.deepEqual(exchange!.user!.files, [told("f0")]);
  const snapshot = { snapshot: { message_id: "m2", text: "", tools_used: [], actions: [] } } as unknown as WireEvent;
  assert.deepEqual(
    reduce(exchange!.answer!, snapshot).files,
    [],
    "a snapshot tells all of them, or that there are none",
  );
});

test("G546 memories are listed, changed and erased with the user's token", async (t) => {
  const one = { id: "a/b", text: "Tea.", scope: "user", can_edit: true, created_at: "", updated_at: "" };
  const { url, requests } = await serve(t, ({ method }, response) =>
    json(response, 200, method === "GET" ? { items: [one], next_cursor: "c" } : one),
  );
  const memories = openMemories({ url, token: () => "t" });
  const page = await memories.list({ cursor: "x" });
  assert.deepEqual([page.nextCursor, page.items[0]!.canEdit], ["c", true]);
  assert.equal((await memories.change("a/b", "Coffee.")).text, "Tea.");
  await memories.delete("a/b");
  await memories.deleteAll();
  assert.deepEqual(
    requests.map(({ method, path, body }) => [method, path, body]),
    [
      ["GET", "/memories?cursor=x", undefined],
      ["PATCH", "/memories/a%2Fb", { text: "Coffee." }],
      ["DELETE", "/memories/a%2Fb", undefined],
      ["DELETE", "/memories", undefined],
    ],
  );
  assert.ok(requests.every(({ headers }) => headers.authorization === "Bearer t"));
});
