/** The hook in React itself, rendering into a page, against a real server. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { openPage } from "../../client/tests/page"; // before React looks for a page
import type { Chat } from "@frontdesk/client";
import { openFiles } from "@frontdesk/client/files";
import { watchLanes } from "@frontdesk/client/lanes";
import { paced } from "@frontdesk/client/paced";
import { openDictation, watchSpeech } from "@frontdesk/client/voice";
import { createElement, type ReactNode, StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import {
  begin,
  chatWith,
  countListeners,
  cut,
  ENDED,
  eventually,
  json,
  part,
  RUN,
  serve,
  tell,
} from "../../client/tests/server";
import {
  useChat,
  type UseChat,
  useDictation,
  type UseDictation,
  useFiles,
  type UseFiles,
  useLanes,
  type UseLanes,
  useSpeech,
  type UseSpeech,
} from "../src/index";

const HELLO = [RUN, { token: "Hel" }, { token: "lo" }, { suggested_questions: ["More?"] }, ENDED];

function Talk({ chat, seen }: { chat: Chat; seen?: (shown: UseChat) => void }) {
  const shown = useChat(chat);
  seen?.(shown);
  return createElement(
    "main",
    { "data-phase": shown.phase },
    shown.messages.map(({ id, role, text }) => createElement("p", { key: id, className: role }, text)),
    shown.suggestions.map((question) =>
      createElement("button", { key: question, onClick: () => shown.send(question) }, question),
    ),
    shown.error && createElement("strong", null, shown.error.code),
  );
}

/** Renders into a page of its own; what it shows is gone after the test. */
function show(test: TestContext, shown: ReactNode) {
  const { container, element, texts } = openPage();
  const root = createRoot(element);
  test.after(() => root.unmount());
  root.render(shown);
  const phase = () => container.querySelector("main")?.getAttribute("data-phase");
  return { container, root, texts, phase };
}

test("a component shows the chat as it goes on", async (t) => {
  let goOn: () => void = () => {};
  const { url } = await serve(t, (_request, response) => {
    begin(response, part(HELLO.slice(0, 2)));
    goOn = () => response.end(part(HELLO.slice(2), 3) + "data: [DONE]\n\n");
  });
  const chat = chatWith(t, url);
  const { texts, phase } = show(t, createElement(Talk, { chat }));
  await eventually(() => phase() === "idle");
  assert.deepEqual(texts(), []);
  void chat.send("Hi");
  await eventually(() => texts().join() === "user: Hi,assistant: Hel");
  assert.equal(phase(), "streaming");
  goOn();
  await eventually(() => phase() === "idle");
  assert.deepEqual(texts(), ["user: Hi", "assistant: Hello"]);
});

test("its calls go to the chat", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => tell(response, HELLO));
  const { container, texts } = show(
    t,
    createElement(Talk, { chat: chatWith(t, url), seen: (shown) => (latest = shown) }),
  );
  let latest: UseChat | undefined;
  await eventually(() => latest !== undefined);
  await latest!.send("Hi");
  await eventually(() => container.querySelector("button") !== null);
  container.querySelector("button")!.click();
  await eventually(() => texts().length === 4);
  assert.deepEqual(
    requests.map(({ body }) => body.message),
    ["Hi", "More?"],
  );
  await latest!.regenerate();
  assert.equal(requests[2]?.path, "/conversations/c-1/regenerate");
});

test("what went wrong is shown, and a cut answer comes back by itself", async (t) => {
  const { url, requests } = await serve(t, (request, response) => {
    if (request.body?.message === "No") json(response, 422, { code: "invalid_request", detail: "No." });
    else if (requests.length === 2) cut(response, HELLO.slice(0, 2));
    else tell(response, HELLO.slice(2), 3);
  });
  const chat = chatWith(t, url);
  const { container, texts } = show(t, createElement(Talk, { chat }));
  await chat.send("No");
  await eventually(() => container.querySelector("strong")?.textContent === "invalid_request");
  await chat.send("Yes");
  await eventually(() => texts().at(-1) === "assistant: Hello");
  assert.equal(container.querySelector("strong"), null);
});

test("two components show one chat, and one that is gone is told nothing", async (t) => {
  const { url } = await serve(t, (_request, response) => tell(response, HELLO));
  const chat = chatWith(t, url);
  const listeners = countListeners(chat);
  const one = show(t, createElement(Talk, { chat }));
  const two = show(t, createElement(StrictMode, null, createElement(Talk, { chat })));
  await eventually(() => listeners() === 2);
  await chat.send("Hi");
  await eventually(() => one.texts().length === 2 && two.texts().length === 2);
  assert.deepEqual(one.texts(), two.texts());
  one.root.unmount();
  await eventually(() => listeners() === 1);
  assert.equal(chat.view.messages.length, 2, "the chat outlives the component");
});

test("another chat takes the place of the one that is shown", async (t) => {
  const { url } = await serve(t, (_request, response) => tell(response, HELLO));
  const [first, second] = [chatWith(t, url), chatWith(t, url)];
  await second.send("Other");
  const listeners = countListeners(first);
  const { root, texts } = show(t, createElement(Talk, { chat: first }));
  await eventually(() => listeners() === 1);
  root.render(createElement(Talk, { chat: second }));
  await eventually(() => texts()[0] === "user: Other");
  await eventually(() => listeners() === 0);
});

test("what a component gets is another object only when the chat has changed, and its calls stay the same", async (t) => {
  const { url } = await serve(t, (_request, response) => tell(response, HELLO));
  const chat = chatWith(t, url);
  const seen: UseChat[] = [];
  let again: (n: number) => void = () => {};
  const Parent = () => {
    again = useState(0)[1];
    return createElement(Talk, { chat, seen: (shown) => seen.push(shown) });
  };
  show(t, createElement(Parent));
  await eventually(() => seen.length === 1);
  again(1);
  await eventually(() => seen.length === 2);
  assert.equal(seen[0], seen[1]);
  await chat.send("Hi");
  await eventually(() => seen.at(-1)?.phase === "idle" && seen.length > 2);
  assert.equal(seen.at(-1)?.send, seen[0]?.send);
});

test("a paced chat grows in a component evenly, to its end", async (t) => {
  const text = "word ".repeat(100);
  const { url } = await serve(t, (_request, response) => tell(response, [RUN, { token: text }, ENDED]));
  const chat = paced(chatWith(t, url));
  const lengths = new Set<number>();
  const seen = ({ messages }: UseChat) => lengths.add(messages[1]?.text.length ?? 0);
  const { phase } = show(t, createElement(Talk, { chat, seen }));
  await eventually(() => phase() === "idle");
  await chat.send("Hi");
  await eventually(() => lengths.has(text.length));
  assert.ok(lengths.size > 4, `${[...lengths]}`);
});

test("a server renders what the chat holds", async (t) => {
  const { url } = await serve(t, (_request, response) => tell(response, HELLO));
  const chat = chatWith(t, url);
  await chat.send("Hi");
  assert.match(renderToString(createElement(Talk, { chat })), /<p class="assistant">Hello<\/p>/);
});

test("files, lanes and voices are shown as they go on, and who is gone is told nothing", async (t) => {
  const { url } = await serve(t, ({ path }, response) => {
    if (path === "/files") return json(response, 201, { id: "f1", name: "a.txt", media_type: "text/plain", bytes: 1 });
    if (path !== "/chat") return json(response, 200, { items: [], title: "", version: "1", next_cursor: null });
    const events = [RUN, { token: "Hello" }, ENDED].flatMap((event) =>
      [1, 2].map((lane) => ({ ...event, ...("run_id" in event && { run_id: `r-${lane}` }), lane, model: `m${lane}` })),
    );
    tell(response, events);
  });
  const chat = chatWith(t, url);
  const uploads = openFiles({ url }).uploads({ types: [".txt"], max_bytes: 9, max_per_message: 1 });
  const lanes = watchLanes({ url }, chat);
  const voice = { speech: "browser", dictation: "browser" } as const; // which Node has none of
  const speaker = watchSpeech({ url, voice }, chat);
  const dictation = openDictation({ url, voice }, { onText: () => {} });
  t.after(() => [uploads, lanes, speaker, dictation].forEach((one) => one.close()));
  const listeners = [uploads, lanes, speaker, dictation].map((one) => countListeners(one as unknown as Chat));
  let used:
    | (Pick<UseFiles, "add" | "settled"> &
        Pick<UseLanes, "ask"> &
        Pick<UseSpeech, "turn"> &
        Pick<UseDictation, "start">)
    | undefined;
  const All = () => {
    const [files, beside, speech, ear] = [
      useFiles(uploads),
      useLanes(lanes),
      useSpeech(speaker),
      useDictation(dictation),
    ];
    used = { ...beside, ...speech, ...ear, ...files };
    const line = (className: string, ...said: unknown[]) =>
      createElement("p", { key: said.join(), className }, said.join(" "));
    return createElement("main", null, [
      ...files.items.map(({ name, status }) => line("file", name, status)),
      ...beside.lanes.map(({ model, answer }) => line("lane", model, answer.text)),
      line("speech", speech.isOn),
      line("dictation", ear.phase, ear.trouble),
    ]);
  };
  const { root, texts } = show(t, createElement(All));
  const leave = () => root.render(null);
  await eventually(() => texts().length === 2);
  await eventually(() => listeners.every((count) => count() === 1));
  used!.add([new File(["a"], "a.txt")]);
  await used!.settled();
  await used!.ask("Hi", ["m1", "m2"]);
  used!.turn(true);
  used!.start();
  await eventually(
    () => texts().join() === "file: a.txt ready,lane: m1 Hello,lane: m2 Hello,speech: true,dictation: idle unsupported",
  );
  leave();
  await eventually(() => listeners.every((count) => count() === 0));
});
