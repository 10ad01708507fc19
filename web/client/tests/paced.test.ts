/** Text that comes in bursts is shown evenly, soon, and whole. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { paced } from "../src/paced";
import type { Chat, ChatView } from "../src/types";
import { begin, chatWith, ENDED, eventually, part, RUN, serve, tell } from "./server";

/** Shows an answer whose pieces come when the test says so, and remembers each text that was shown with its time. */
async function watched(t: TestContext) {
  let response: Parameters<typeof begin>[0] | undefined;
  let at = 2;
  const { url } = await serve(t, (_request, open) => begin((response = open), part([RUN])));
  const chat = chatWith(t, url);
  const shown = paced(chat);
  const seen: { text: string; view: ChatView }[] = [];
  shown.subscribe((view) => seen.push({ text: view.messages[1]?.text ?? "", view }));
  const sent = shown.send("Hi");
  await eventually(() => chat.view.phase === "streaming");
  const say = (...events: object[]) => response!.write(part(events, (at += events.length) - events.length));
  const end = () => (say(ENDED), response!.end(), sent);
  return { chat, shown, seen, say, end };
}

const textOf = (chat: Chat) => chat.view.messages[1]?.text ?? "";

test("a burst is shown little by little, all of it soon after it came", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  t.mock.method(performance, "now", () => Date.now());
  const { chat, come } = scripted();
  const shown = paced(chat);
  const burst = "word ".repeat(200);
  come(burst);
  assert.ok(textOf(shown).length < burst.length / 2, "not at once");
  const lengths = [0];
  for (let ms = 0; ms < 200; ms += 5) {
    t.mock.timers.tick(5);
    if (textOf(shown).length !== lengths.at(-1)) lengths.push(textOf(shown).length);
  }
  assert.equal(textOf(shown), burst);
  assert.ok(lengths.length > 4, `in steps: ${lengths}`);
  assert.deepEqual(
    lengths,
    [...lengths].sort((a, b) => a - b),
    "it only grows",
  );
});

test("what came is shown at most 200 ms later, however it comes", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  t.mock.method(performance, "now", () => Date.now());
  const { chat, come } = scripted();
  const shown = paced(chat);
  const came: { at: number; length: number }[] = [];
  for (let step = 0; step < 400; step++) {
    t.mock.timers.tick(5);
    const due = came.filter(({ at }) => Date.now() - at >= 200).at(-1)?.length ?? 0;
    assert.ok(textOf(shown).length >= due, `at ${step}: ${textOf(shown).length} of ${due}`);
    if (step % 7 === 0 || step % 60 < 3) came.push({ at: Date.now(), length: come("x".repeat((step * 37) % 120)) });
  }
  t.mock.timers.tick(200);
  assert.equal(textOf(shown), textOf(chat));
});

test("a clock that is set back by hours holds nothing up", async (t) => {
  const { now } = Date;
  const { shown, say, end } = await watched(t);
  say({ token: "word ".repeat(100) });
  await eventually(() => textOf(shown).length > 0);
  t.mock.method(Date, "now", () => now() - 10_000_000);
  await eventually(() => textOf(shown).length === 500);
  await end();
});

test("until all is shown the answer is being made, and then everything is as the chat has it", async (t) => {
  const { chat, shown, seen, say, end } = await watched(t);
  say({ token: "all at once ".repeat(20) }, { suggested_questions: ["More?"] });
  await end();
  assert.equal(chat.view.phase, "idle");
  await eventually(() => shown.view.phase === "idle");
  assert.equal(shown.view, chat.view);
  for (const { view, text } of seen) {
    const isWhole = text === textOf(chat) && view.phase === "idle";
    assert.equal(view.suggestions.length > 0, isWhole);
    assert.equal(view.messages[1]?.status === "completed", isWhole);
  }
});

test("what people see as one character comes as one", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  t.mock.method(performance, "now", () => Date.now());
  const { chat, come } = scripted();
  const shown = paced(chat);
  const family = "👨‍👩‍👧‍👦";
  come(family.repeat(12) + "e\u0301".repeat(12) + "🇩🇪".repeat(12));
  for (let ms = 0; ms < 200; ms += 4) {
    t.mock.timers.tick(4);
    const whole = [...new Intl.Segmenter().segment(textOf(chat))].map(({ segment }) => segment);
    const part = [...new Intl.Segmenter().segment(textOf(shown))].map(({ segment }) => segment);
    assert.deepEqual(part, whole.slice(0, part.length));
  }
  assert.equal(textOf(shown), textOf(chat));
});

test("who wants less motion, and who does not look, sees all at once", async (t) => {
  const pages = [
    { matchMedia: () => ({ matches: true }) },
    { document: { hidden: true }, matchMedia: () => ({ matches: false }) },
  ];
  for (const page of pages) {
    Object.assign(globalThis, page);
    t.after(() => Object.keys(page).forEach((name) => Reflect.deleteProperty(globalThis, name)));
    const { chat, come } = scripted();
    const shown = paced(chat);
    come("A long text. ".repeat(30));
    assert.equal(textOf(shown), textOf(chat));
    Object.keys(page).forEach((name) => Reflect.deleteProperty(globalThis, name));
  }
});

test("what is stopped, and what was stored, is shown at once", async () => {
  const { chat, come, show } = scripted();
  const shown = paced(chat);
  come("Half of it, or so. ".repeat(9));
  show({ status: "cancelled" }, "idle");
  assert.equal(shown.view, chat.view);
  show({ id: "other", text: "What was said long ago." }, "idle");
  assert.equal(shown.view, chat.view);
  shown.close();
});

test("closed it tells nobody anything, and it closes the chat", async (t) => {
  const { url } = await serve(t, (_request, response) => tell(response, [RUN, { token: "Hello" }, ENDED]));
  const chat = chatWith(t, url);
  const shown = paced(chat);
  let heard = 0;
  const unsubscribe = shown.subscribe(() => heard++);
  shown.actions = { navigate: () => {} };
  assert.equal(chat.actions, shown.actions);
  await shown.send("Hi");
  unsubscribe();
  const before = heard;
  assert.ok(before > 0);
  shown.close();
  await chat.send("Hi");
  assert.equal(heard, before);
});

/** A chat whose view the test makes. */
function scripted() {
  const listeners = new Set<(view: ChatView) => void>();
  const user = { id: "u", role: "user", text: "Hi", status: "completed" };
  let answer: object = { id: "a", role: "assistant", text: "", status: "streaming", error: null };
  const common = { conversationId: "c", title: null, suggestions: [], error: null, connection: "online" };
  const viewOf = (phase: string) => ({ ...common, phase, messages: [user, answer] }) as unknown as ChatView;
  const chat = {
    view: viewOf("streaming"),
    subscribe(listener: (view: ChatView) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {},
  };
  const show = (changes: object, phase = "streaming") => {
    answer = { ...answer, ...changes };
    chat.view = viewOf(phase);
    for (const listener of listeners) listener(chat.view);
  };
  const come = (piece: string) => {
    const text = (chat.view.messages[1]?.text ?? "") + piece;
    show({ text });
    return text.length;
  };
  return { chat: chat as unknown as Chat, come, show };
}
