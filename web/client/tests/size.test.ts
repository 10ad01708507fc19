/** The client is small, and depends on nothing at run time. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const CLIENT = join(dirname(fileURLToPath(import.meta.url)), "..");
const MOST_BYTES = 6.75 * 1024;

test("bundled it has at most 6.75 KB, gzipped", async () => {
  const { outputFiles } = await build({
    entryPoints: [join(CLIENT, "src/index.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    target: ["es2022"],
    write: false,
  });
  const { length } = gzipSync(outputFiles[0]!.contents, { level: 9 });
  assert.ok(length <= MOST_BYTES, `it has ${length} bytes`);
  assert.ok(length > 3000, "that is not the whole client");
});

test("it depends on nothing; the parser is there for the tests that compare it with ours", () => {
  const { dependencies, peerDependencies, devDependencies } = JSON.parse(
    readFileSync(join(CLIENT, "package.json"), "utf8"),
  );
  assert.deepEqual([dependencies, peerDependencies], [undefined, undefined]);
  assert.deepEqual(Object.keys(devDependencies), ["eventsource-parser"]);
});
