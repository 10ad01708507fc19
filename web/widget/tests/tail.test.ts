import assert from "node:assert/strict";
import { test } from "node:test";
import { busyMs } from "../../client/tests/busy";
import { isNumber } from "../src/markdown/decorate";
import { mend } from "../src/markdown/tail";

const MOST_MS = 500;

test("the address of a link that has not all come is hidden, with the brackets in it", () => {
  for (const address of ["", "https://a.example/b", "a(b", "a(b)", "a(b)c(d)e", "a(b)c(d"]) {
    assert.equal(mend(`See [the page](${address}`, "paragraph_open"), "See the page");
  }
  assert.equal(mend("| a | b |\n  |--", "paragraph_open"), "");
  assert.equal(mend("A line\n  --", "paragraph_open"), "A line\n");
});

test("no line of an answer keeps a page busy, however it is made", async () => {
  const spaces = " ".repeat(20_000);
  const lines = [
    `[x](${"(aaaaaaaaaaaa".repeat(7)}))`,
    `[x](${"(a)".repeat(5_000)})) [`,
    `a\n${spaces}x`,
    `|a|\n${spaces}x`,
  ];
  for (const line of lines) assert.ok((await busyMs(() => mend(line, "paragraph_open"))) < MOST_MS, line.slice(0, 20));
});

test("a cell of a table is a number by what stands in it, however long it is", async () => {
  for (const said of ["12", " 1.234,50 € ", "-3 %", "USD 5", "—", ""]) assert.ok(isNumber(said), said);
  for (const said of ["12 of 20", "x", "5 apples"]) assert.ok(!isNumber(said), said);
  for (const cell of [`1${"\u00a0".repeat(3_000)}x`, `-${"\u00a0".repeat(3_000)}x`]) {
    assert.ok((await busyMs(() => assert.ok(!isNumber(cell)))) < MOST_MS);
  }
});
