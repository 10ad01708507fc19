/** The stories that pytest tells to the real server, and those of what the server does not send yet. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { JsonAnswer } from "../src/reduce";
import type { StoredMessage } from "../src/transcript";
import type { WireEvent } from "../src/wire";

const HERE = dirname(fileURLToPath(import.meta.url));
const SHARED = join(HERE, "../../../tests/stories");

export interface Story {
  readonly name: string;
  readonly events: readonly WireEvent[];
}

/** A story of the server, with what is left of it: the JSON answer and the stored messages. */
export interface ToldStory extends Story {
  readonly answer: JsonAnswer;
  readonly messages: readonly StoredMessage[];
}

export function toldStories(): ToldStory[] {
  const names = readdirSync(SHARED).filter((name) => name.endsWith(".jsonl"));
  return names.map((file) => {
    const name = file.replace(".jsonl", "");
    return { name, events: lines(join(SHARED, file)), ...json(join(SHARED, "transcripts", `${name}.json`)) };
  });
}

/** A story of what the server does not send yet; its ids can stand in paths. */
export function story(name: string): Story {
  const events = lines(join(HERE, "stories", `${name}.jsonl`));
  return { name, events: JSON.parse(JSON.stringify(events).replaceAll(/<uuid:(\d+)>/g, "uuid-$1")) };
}

/** The bytes that the server sends of events, as `api/protocols/native.py` makes them. */
export function wire(events: readonly object[], { from = 1, retry = 20, end = "\n" } = {}): string {
  const frames = events.map((event, index) => `id: 1-${from + index}${end}data: ${JSON.stringify(event)}${end}${end}`);
  return `retry: ${retry}${end}${frames.join("")}data: [DONE]${end}${end}`;
}

function lines(path: string): WireEvent[] {
  return readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

function json(path: string) {
  return JSON.parse(readFileSync(path, "utf8"));
}
