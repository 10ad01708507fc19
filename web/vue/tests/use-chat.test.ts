/** The composable in Vue itself, rendering into a page, against a real server. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { openPage } from "../../client/tests/page"; // before Vue looks for a page
import type { Chat } from "@frontdesk/client";
import { openFiles } from "@frontdesk/client/files";
import { watchLanes } from "@frontdesk/client/lanes";
import { openDictation, watchSpeech } from "@frontdesk/client/voice";
import { type Component, createApp, defineComponent, effectScope, h, isReadonly, watch } from "vue";
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

function talk(chat: Chat, seen?: (shown: UseChat) => void) {
  return defineComponent(() => {
    const shown = useChat(chat);
    const { messages, phase, suggestions, error, send } = shown;
    seen?.(shown);
    return () =>
      h("main", { "data-phase": phase.value }, [
        messages.value.map(({ id, role, text }) => h("p", { key: id, class: role }, text)),
        suggestions.value.map((question) => h("button", { key: question, onClick: () => send(question) }, question)),
        error.value && h("strong", error.value.code),
      ]);
  });
}

/** Renders into a page of its own; what it shows is gone after the test. */
function show(test: TestContext, component: Component) {
  const { container, element, texts } = openPage();
  const app = createApp(component);
  let isMounted = true;
  const leave = () => {
    if (isMounted) app.unmount();
    isMounted = false;
  };
  test.after(leave);
  app.mount(element);
  const phase = () => container.querySelector("main")?.getAttribute("data-phase");
  return { container, leave, texts, phase };
}

test("a component shows the chat as it goes on", async (t) => {
  let goOn: () => void = () => {};
  const { url } = await serve(t, (_request, response) => {
    begin(response, part(HELLO.slice(0, 2)));
    goOn = () => response.end(part(HELLO.slice(2), 3) + "data: [DONE]\n\n");
  });
  const chat = chatWith(t, url);
  const { texts, phase } = show(t, talk(chat));
  assert.equal(phase(), "idle");
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
  let shown: UseChat | undefined;
  const component = talk(chatWith(t, url), (used) => (shown = used));
  const { container, texts } = show(t, component);
  await shown!.send("Hi");
  await eventually(() => container.querySelector("button") !== null);
  container.querySelector("button")!.click();
  await eventually(() => texts().length === 4);
  const asked = requests.map(({ body }) => body.message);
  assert.deepEqual(asked, ["Hi", "More?"]);
  await shown!.regenerate();
  assert.equal(requests[2]?.path, "/conversations/c-1/regenerate");
});

test("what went wrong is shown, and a cut answer comes back by itself", async (t) => {
  const { url, requests } = await serve(t, (request, response) => {
    if (request.body?.message === "No") json(response, 422, { code: "invalid_request", detail: "No." });
    else if (requests.length === 2) cut(response, HELLO.slice(0, 2));
    else tell(response, HELLO.slice(2), 3);
  });
  const chat = chatWith(t, url);
  const { container, texts } = show(t, talk(chat));
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
  const [one, two] = [show(t, talk(chat)), show(t, talk(chat))];
  assert.equal(listeners(), 2);
  await chat.send("Hi");
  await eventually(() => one.texts().length === 2 && two.texts().length === 2);
  assert.deepEqual(one.texts(), two.texts());
  one.leave();
  assert.equal(listeners(), 1);
  assert.equal(chat.view.messages.length, 2, "the chat outlives the component");
});

test("outside of a component it follows the chat for as long as its scope", async (t) => {
  const { url } = await serve(t, (_request, response) => tell(response, HELLO));
  const chat = chatWith(t, url);
  const listeners = countListeners(chat);
  const scope = effectScope();
  const { messages } = scope.run(() => useChat(chat))!;
  await chat.send("Hi");
  assert.equal(messages.value.length, 2);
  scope.stop();
  assert.equal(listeners(), 0);
});

test("what has not changed is not drawn anew, and nothing of it can be written", async (t) => {
  const { url } = await serve(t, (_request, response) => tell(response, HELLO));
  const chat = chatWith(t, url);
  const scope = effectScope();
  t.after(() => scope.stop());
  const changes = { title: 0, messages: 0 };
  const shown = scope.run(() => {
    const used = useChat(chat);
    watch(used.title, () => changes.title++, { flush: "sync" });
    watch(used.messages, () => changes.messages++, { flush: "sync" });
    return used;
  })!;
  await chat.send("Hi");
  assert.equal(changes.title, 0);
  assert.ok(changes.messages > 1);
  assert.ok(isReadonly(shown.messages));
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
  const component = defineComponent(() => {
    const [files, beside, speech, ear] = [
      useFiles(uploads),
      useLanes(lanes),
      useSpeech(speaker),
      useDictation(dictation),
    ];
    used = { ...beside, ...speech, ...ear, ...files };
    const line = (className: string, ...said: unknown[]) => h("p", { class: className }, said.join(" "));
    return () =>
      h("main", [
        ...files.items.value.map(({ name, status }) => line("file", name, status)),
        ...beside.lanes.value.map(({ model, answer }) => line("lane", model, answer.text)),
        line("speech", speech.isOn.value),
        line("dictation", ear.phase.value, ear.trouble.value),
      ]);
  });
  const { leave, texts } = show(t, component);
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

test("each part of a chat's view is a ref of its own, the summary too", (t) => {
  const chat = chatWith(t, "http://127.0.0.1:9");
  const scope = effectScope();
  t.after(() => scope.stop());
  const shown = scope.run(() => useChat(chat))!;
  for (const name of Object.keys(chat.view)) assert.ok(isReadonly(shown[name as keyof typeof shown]), name);
});
