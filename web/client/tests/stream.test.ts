/** Bytes to frames: wherever the network cuts, the same frames come out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createParser } from "eventsource-parser";
import { emptyAnswer, reduce } from "../src/index";
import { type Frame, readFrames } from "../src/stream";
import { busyMs } from "./busy";
import { toldStories, wire } from "./stories";

const BYTES = new TextEncoder();

/** Returns what is read of these pieces: frames, how often something was heard, and the waits that were asked for. */
async function read(pieces: readonly Uint8Array[]): Promise<{ frames: Frame[]; heard: number; retries: number[] }> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  const told = { frames: [] as Frame[], heard: 0, retries: [] as number[] };
  const take = (frames: readonly Frame[]) => {
    told.frames.push(...frames);
    told.heard += 1;
  };
  await readFrames(body, take, (ms) => told.retries.push(ms));
  return told;
}

const answer = (frames: readonly Frame[]) =>
  frames
    .filter(({ data }) => data !== "[DONE]")
    .map(({ data }) => JSON.parse(data))
    .reduce(reduce, emptyAnswer);

for (const { name, events } of toldStories()) {
  test(`${name}: cut in two at every byte, it reads the same`, async () => {
    const bytes = BYTES.encode(wire(events));
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { frames, retries } = await read([bytes.slice(0, cut), bytes.slice(cut)]);
      assert.deepEqual(answer(frames), events.reduce(reduce, emptyAnswer));
      assert.deepEqual(retries, [20]);
      assert.equal(frames.at(-2)?.id, `1-${events.length}`);
      assert.equal(frames.at(-1)?.data, "[DONE]");
    }
  });
}

for (const [name, end] of Object.entries({ LF: "\n", CRLF: "\r\n", CR: "\r" })) {
  test(`lines that end in ${name}, byte by byte, with letters of four bytes, read the same`, async () => {
    const events = [{ token: "Grüße 👩‍👩‍👧 " }, { token: "你好\n\u2028" }];
    const bytes = BYTES.encode(wire(events, { end }));
    const { frames } = await read([...bytes].map((byte) => Uint8Array.of(byte)));
    assert.equal(answer(frames).text, "Grüße 👩‍👩‍👧 你好\n\u2028");
    assert.deepEqual(
      frames.slice(0, 2).map(({ id }) => id),
      ["1-1", "1-2"],
    );
  });
}

test("a comment is heard, and is no frame", async () => {
  const { frames, heard } = await read([BYTES.encode(": ping\n\n"), BYTES.encode(": ping\n\n")]);
  assert.deepEqual([frames, heard], [[], 2]);
});

test("half a frame at the end is no frame", async () => {
  const { frames } = await read([BYTES.encode('id: 1-1\ndata: {"token":"a"}\n')]);
  assert.deepEqual(frames, []);
});

test("a megabyte in ten thousand pieces is read in a moment", async () => {
  const events = Array.from({ length: 10_000 }, (_, n) => ({ token: `${n} `.padEnd(100, "x") }));
  const took = await busyMs(async () => {
    const { frames } = await read([BYTES.encode(wire(events))]);
    assert.equal(answer(frames).text.length, 1_000_000);
  });
  assert.ok(took < 1000, `it took ${took} ms`);
});

/** Reads with a parser that many use. */
function elsewhere(bytes: Uint8Array) {
  const frames: Frame[] = [];
  const retries: number[] = [];
  const onEvent = ({ id, data }: Frame) => frames.push({ id, data });
  createParser({ onEvent, onRetry: (ms) => retries.push(ms) }).feed(new TextDecoder().decode(bytes));
  return { frames, retries };
}

const ODD = {
  "fields with and without a space": "data:a\ndata: b\ndata:  c\n\n",
  "fields without a value": "data\n\ndata:\n\nid\ndata: a\n\n",
  "fields that nobody knows": "event: message\nfoo: bar\n: said\ndata: a\nweather\n\n",
  "ids that count and that do not": "id: 1\ndata: a\n\ndata: b\n\nid: a\u0000b\ndata: c\n\nid: 2\n\ndata: d\n\n",
  "waits that are none": "retry: 20\nretry: x\nretry: -1\nretry: 1.5\nretry:\n\ndata: a\n\n",
  "ends of all kinds": "data: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\r\n\n",
  "a mark at the beginning": "\ufeffdata: a\n\n",
  "colons, and what only looks like an end": "data: a:b: c\u2028\u2029\u0085\ndata::\n\n",
  "nothing that was finished": "data: a\n\ndata: b\n",
};

for (const [name, text] of Object.entries(ODD)) {
  test(`${name}: read as elsewhere, wherever it is cut`, async () => {
    const bytes = BYTES.encode(text);
    const expected = elsewhere(bytes);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { frames, retries } = await read([bytes.slice(0, cut), bytes.slice(cut)]);
      assert.deepEqual({ frames, retries }, expected);
    }
  });
}
