/** A real HTTP server that answers as a test says, and a client that has little patience. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { TestContext } from "node:test";
import { createClient } from "../src/client";
import { regionOf } from "../src/region";
import { hurry } from "../src/timing";
import type { Chat, ChatView, ClientOptions } from "../src/types";
import { wire } from "./stories";

hurry();

/** A wait of a minute that somebody has ended keeps no process for as long. */
const LONG_MS = 20_000;
const { setTimeout: wait } = globalThis;
globalThis.setTimeout = Object.assign((act: (...given: unknown[]) => void, ms?: number, ...given: unknown[]) => {
  const timer = wait(act, ms, ...given); // fetch itself gives them, and fails without
  return Number(ms) > LONG_MS ? timer.unref() : timer;
}, wait);

/** For whatever is waited for: less than a test has, and as long as a busy machine takes. */
const LIMIT_MS = 45_000;

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: any;
  readonly at: number;
}

export type Answer = (request: Received, response: ServerResponse) => unknown;

export interface Server {
  readonly url: string;
  readonly requests: Received[];
  /** The requests to a path. */
  to(path: string): Received[];
}

/**
 * Serves for the time of a test. `port` serves again where a server was before. Who asks for news where something was said is
 * turned away, and not counted, unless the test `hasNews`.
 */
export async function serve(
  test: TestContext,
  answer: Answer,
  { port = 0, hasNews = false } = {},
): Promise<Server & { close(): Promise<void> }> {
  const requests: Received[] = [];
  let isTalking = false;
  const sockets = new Set<Socket>();
  const server = createServer(async (incoming, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of incoming) pieces.push(piece as Buffer);
    const text = Buffer.concat(pieces).toString();
    const { method = "", url = "", headers } = incoming;
    const request = { method, path: url, headers, body: bodyOf(text), at: Date.now() };
    isTalking ||= /\/(chat|edit|regenerate)$/.test(url);
    if (isTalking && !hasNews && method === "GET" && url.includes("/messages?"))
      return problem(response, 503, "overloaded");
    requests.push(request);
    await answer(request, response);
  });
  server.on("connection", (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  test.after(close);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, requests, to: (path) => requests.filter((one) => one.path === path), close };
}

export const RUN = { conversation_id: "c-1", run_id: "r-1", message_id: "m-1" };
/** What each message says of the machine that the tests run on. */
export const HERE = regionOf({});
export const ENDED = { status: "completed", finish_reason: "stop", usage: { input_tokens: 1, output_tokens: 2 } };
export const HEADERS = { "content-type": "text/event-stream; charset=utf-8", "x-run-id": "r-1" };

/** Begins a stream. */
export function begin(response: ServerResponse, text: string): void {
  response.writeHead(200, HEADERS);
  response.write(text);
}

/** Sends a whole stream of events, without `[DONE]` if they have no end. */
export function tell(response: ServerResponse, events: readonly object[], from = 1): void {
  begin(response, part(events, from));
  response.end("data: [DONE]\n\n");
}

/** Sends events and cuts the connection. */
export function cut(response: ServerResponse, events: readonly object[], from = 1): void {
  begin(response, part(events, from));
  setTimeout(() => response.destroy(), 5);
}

/** Returns the bytes of events, without the end of the stream. */
export function part(events: readonly object[], from = 1): string {
  return wire(events, { from }).replace("data: [DONE]\n\n", "");
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const type = status < 400 ? "application/json" : "application/problem+json";
  response.writeHead(status, { "content-type": type, ...headers });
  response.end(JSON.stringify(body));
}

export function problem(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): void {
  json(response, status, { type: "about:blank", title: code, status, detail: `It is ${code}.`, code }, headers);
}

/** Makes a chat that is closed with the test. */
export function chatWith(
  test: TestContext,
  url: string,
  options: Partial<ClientOptions> = {},
  conversationId?: string,
): Chat {
  const chat = createClient({ url, ...options }).chat(conversationId ? { conversationId } : {});
  test.after(() => chat.close());
  return chat;
}

/** Resolves with the first view of which something is so. */
export function until(chat: Chat, isSo: (view: ChatView) => boolean): Promise<ChatView> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer);
      unsubscribe();
    };
    const look = (view: ChatView) => {
      if (!isSo(view)) return;
      settle();
      resolve(view);
    };
    const timer = wait(() => {
      settle();
      reject(new Error(`it never became so: ${isSo}; ${JSON.stringify(chat.view)}`));
    }, LIMIT_MS);
    const unsubscribe = chat.subscribe(look);
    look(chat.view);
  });
}

/** Resolves when something outside of a chat is so. */
export async function eventually(isSo: () => boolean): Promise<void> {
  const begun = Date.now();
  while (!isSo()) {
    if (Date.now() - begun > LIMIT_MS) throw new Error(`it never became so: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const answerOf = (chat: Chat) => chat.view.messages.filter(({ role }) => role === "assistant").at(-1);

/** Returns how many listen to a chat now. */
export function countListeners(chat: Chat): () => number {
  const { subscribe } = chat;
  let count = 0;
  chat.subscribe = (listener) => {
    count += 1;
    const leave = subscribe(listener);
    return () => {
      count -= 1;
      leave();
    };
  };
  return () => count;
}

/** A form of a file stays the text that it is. */
function bodyOf(text: string): unknown {
  if (!text) return undefined;
  return text.startsWith("--") ? text : JSON.parse(text);
}
