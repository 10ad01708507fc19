/** What a page loads of the widget is no larger than it must be. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const WEB = join(dirname(fileURLToPath(import.meta.url)), "../..");
const MOST_BYTES = 100 * 1024;
const manifest = JSON.parse(readFileSync(join(WEB, "dist/manifest.json"), "utf8"));
const bundle = readFileSync(join(WEB, "dist", manifest["frontdesk-chat.js"]), "utf8");

test("bundled it has at most 100 KB, gzipped", () => {
  const { length } = gzipSync(bundle, { level: 9 });
  assert.ok(length <= MOST_BYTES, `it has ${length} bytes`);
});

test("its style sheets are in the bundle without their comments and indents", () => {
  const styles = join(WEB, "widget/src/styles");
  for (const name of readdirSync(styles)) {
    const comment = /^\/\*.*\*\//.exec(readFileSync(join(styles, name), "utf8"))?.[0];
    assert.ok(comment, `${name} begins with no comment to look for`);
    assert.ok(!bundle.includes(comment), `${name} is as it was written`);
  }
  assert.ok(bundle.includes(":host{display:block}"), "there is no style sheet in it");
});
