/** What others ask for: asked again and again at little cost, and answered once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { endAlways, type OpenApproval, watchApprovals } from "../src/approvals";
import { eventually, json, serve } from "./server";

const ASKED = {
  run_id: "r-1",
  tool_call_id: "c-1",
  name: "refund",
  title: "Refund 40 EUR?",
  arguments: { not_before: 40 },
  expires_at: "2999-01-01T00:00:00Z",
  hash: "h",
  asked_by: "ben",
  asked_at: "2026-11-28T00:00:00Z",
  branch_id: null,
};

test("G279 what is open is asked for with its ETag, and a change is a new list", async (t) => {
  let items: object[] = [ASKED];
  const { url, requests } = await serve(t, (request, response) => {
    const tag = `"${items.length}"`;
    if (request.headers["if-none-match"] === tag) return response.writeHead(304).end();
    response.setHeader("etag", tag);
    json(response, 200, { items, next_cursor: null });
  });
  const seen: (readonly OpenApproval[])[] = [];
  const approvals = watchApprovals({ url, token: () => "t" }, 10);
  t.after(() => approvals.close());
  approvals.subscribe((told) => seen.push(told));
  await eventually(() => requests.length > 3);
  assert.equal(seen.length, 1, "what has not changed is not told again");
  assert.deepEqual(approvals.items[0]!.arguments, { not_before: 40 });
  assert.deepEqual([approvals.items[0]!.runId, approvals.items[0]!.askedBy], ["r-1", "ben"]);
  items = [];
  await eventually(() => approvals.items.length === 0);
  approvals.close();
  const asked = requests.length;
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.ok(requests.length <= asked + 1, "closed, it asks no more");
});

test("G279 an answer counts where somebody was faster and said the same, and not where they said another thing", async (t) => {
  let outcome = "approved";
  const { url, requests } = await serve(t, (request, response) => {
    if (request.method === "GET") return json(response, 200, { items: [ASKED], next_cursor: null });
    response.writeHead(409, { "content-type": "application/problem+json" });
    response.end(JSON.stringify({ code: "already_decided", detail: "Decided.", outcome }));
  });
  const approvals = watchApprovals({ url }, 60_000);
  t.after(() => approvals.close());
  await eventually(() => approvals.items.length === 1);
  const [one] = approvals.items as [OpenApproval];
  const edited = { approve: true, arguments: { not_before: 1 }, hash: one.hash };
  await assert.rejects(approvals.decide(one, edited), { outcome: "approved" }, "nobody says with which arguments");
  const { body, path } = requests.find(({ method }) => method === "POST")!;
  assert.deepEqual([path, body], ["/runs/r-1/decisions", { tool_call_id: "c-1", ...edited }]);
  assert.equal(await approvals.decide(one, { approve: true }), "approved");
  outcome = "denied";
  await assert.rejects(approvals.decide(one, { approve: true }), { code: "already_decided", outcome: "denied" });
});

test("G279 what was said yes to for good is ended", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => json(response, 200, {}));
  await endAlways({ url, token: () => "t" }, "c/1");
  assert.deepEqual([requests[0]!.method, requests[0]!.path], ["DELETE", "/conversations/c%2F1/always"]);
});
