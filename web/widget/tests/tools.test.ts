import assert from "node:assert/strict";
import { test } from "node:test";
import { textsFor } from "../src/texts";
import { callLabel } from "../src/tools";

test("a call is told as done only when it is over", () => {
  const told = (status: Parameters<typeof callLabel>[0]["status"]) =>
    callLabel({ name: "refund_membership", status, label: null, done: null }, textsFor("en"));
  assert.equal(told("running"), "Using refund membership …");
  assert.equal(told("awaiting_approval"), "Using refund membership");
  assert.equal(told("awaiting_client"), "Using refund membership");
  assert.equal(told("cancelled"), "Using refund membership");
  assert.equal(told("ok"), "Used refund membership");
});
