/** Who speaks, when, and how often; and what is listened to. The mouths and ears are the test's: a browser's tests have its own. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { type Ear, Listener } from "../src/voice/dictation";
import type { Mouth } from "../src/voice/mouths";
import { BrowserMouth, voiceFor } from "../src/voice/mouths";
import { ChatSpeaker } from "../src/voice/speaker";
import { VoiceError } from "../src/voice/trouble";
import type { ChatView, MessageView } from "../src/types";
import { newMessage } from "../src/turn";

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

/** A mouth that says a sentence until the test says that it is said. */
class Slow implements Mouth {
  said: string[] = [];
  prepared: string[] = [];
  end: () => void = () => {};
  fails: unknown = null;
  closed = false;

  async say({ text }: { text: string }, signal: AbortSignal): Promise<void> {
    this.said.push(text);
    if (this.fails) throw this.fails;
    await new Promise<void>((resolve) => {
      this.end = resolve;
      signal.addEventListener("abort", () => resolve());
    });
  }

  prepare({ text }: { text: string }): void {
    this.prepared.push(text);
  }

  unlock(): void {}

  close(): void {
    this.closed = true;
  }
}

function speak(t: TestContext, mouth: Mouth = new Slow()) {
  const listeners = new Set<(view: ChatView) => void>();
  let stops = 0;
  const view: ChatView = {
    ...{ conversationId: "c", title: null, messages: [], phase: "idle", suggestions: [], error: null },
    connection: "online",
  };
  const chat = {
    view,
    subscribe: (listener: (view: ChatView) => void) => (listeners.add(listener), () => listeners.delete(listener)),
    stop: async () => void stops++,
  };
  const speaker = new ChatSpeaker(chat, mouth, { language: "en" });
  t.after(() => speaker.close());
  const show = (messages: MessageView[], phase: ChatView["phase"] = "streaming") => {
    chat.view = { ...chat.view, messages, phase };
    for (const listener of listeners) listener(chat.view);
  };
  return { speaker, show, stops: () => stops };
}

const asks = (id: string, status: MessageView["status"] = "completed") =>
  newMessage({ id, role: "user", text: "?", status }) as MessageView;
const answers = (id: string, text: string, status: MessageView["status"] = "streaming") =>
  newMessage({ id, role: "assistant", text, status }) as MessageView;

test("sentences are said in their order while the answer comes, and the next one is got ready", async (t) => {
  const mouth = new Slow();
  const { speaker, show } = speak(t, mouth);
  speaker.turn(true);
  show([asks("1", "sending")], "sending");
  show([asks("1"), answers("a", "One. Two. Th")]);
  await settled();
  assert.deepEqual([mouth.said, mouth.prepared], [["One."], ["Two."]]);
  assert.deepEqual(speaker.view.saying, { messageId: "a", text: "One." });
  mouth.end();
  await settled();
  show([asks("1"), answers("a", "One. Two. Three", "completed")], "idle");
  mouth.end();
  await settled();
  mouth.end();
  await settled();
  assert.deepEqual(mouth.said, ["One.", "Two.", "Three"]);
  assert.equal(speaker.view.saying, null);
  show([asks("1"), answers("a", "One. Two. Three", "completed")], "idle");
  await settled();
  assert.equal(mouth.said.length, 3);
});

test("what was not asked on this page is not said: after a reload, in another tab, or while it is off", async (t) => {
  const mouth = new Slow();
  const { speaker, show } = speak(t, mouth);
  speaker.turn(true);
  show([asks("1"), answers("a", "One. Two. Th")]); // it goes on after a reload, or was sent from elsewhere
  show([asks("1"), answers("a", "One. Two. Three.", "completed")], "idle");
  speaker.turn(false);
  show([asks("1"), answers("a", "One.", "completed"), asks("2", "sending")], "sending");
  show([asks("1"), answers("a", "One.", "completed"), asks("2"), answers("b", "Four. Five.", "completed")], "idle");
  await settled();
  assert.deepEqual(mouth.said, []);
});

test("it is quiet when something is sent, stopped, left, or turned off", async (t) => {
  const first = [asks("1"), answers("a", "One. Two. Three. F")];
  const interruptions: Record<string, (one: ReturnType<typeof speak>) => void> = {
    sent: ({ show }) => show([...first, asks("2", "sending")]),
    cancelled: ({ show }) => show([first[0]!, answers("a", "One. Two. Three. F", "cancelled")], "idle"),
    left: ({ show }) => show([], "idle"),
    stopped: ({ speaker }) => speaker.stop(),
    off: ({ speaker }) => speaker.turn(false),
    closed: ({ speaker }) => speaker.close(),
  };
  for (const [name, interrupt] of Object.entries(interruptions)) {
    const mouth = new Slow();
    const one = speak(t, mouth);
    one.speaker.turn(true);
    one.show([asks("1", "sending")], "sending");
    one.show(first);
    await settled();
    interrupt(one);
    await settled();
    if (name === "stopped") one.show([asks("1"), answers("a", "One. Two. Three. Four. Five.", "completed")], "idle");
    await settled();
    assert.deepEqual([mouth.said, one.speaker.view.saying], [["One."], null], name);
    assert.equal(one.stops(), 0, name);
  }
});

test("a message that was sent while another was answered is the one whose answer is said", async (t) => {
  const mouth = new Slow();
  const { speaker, show } = speak(t, mouth);
  speaker.turn(true);
  show([asks("1", "sending")], "sending");
  show([asks("1"), answers("a", "One. T")]);
  show([asks("1"), answers("a", "One. T"), asks("2", "sending")]);
  show([asks("1"), answers("a", "One. Two. Three.", "completed"), asks("2")], "sending");
  show(
    [asks("1"), answers("a", "One. Two. Three.", "completed"), asks("2"), answers("b", "Four.", "completed")],
    "idle",
  );
  await settled();
  assert.deepEqual(mouth.said, ["One.", "Four."]);
});

test("what was taken back is not said, and nothing twice", async (t) => {
  const mouth = new Slow();
  const { speaker, show } = speak(t, mouth);
  speaker.turn(true);
  show([asks("1", "sending")], "sending");
  show([asks("1"), answers("a", "One. Two. Three. F")]);
  await settled();
  show([asks("1"), answers("a", "One. Tw")]);
  show([asks("1"), answers("a", "One. Twelve. Six.", "completed")], "idle");
  for (let n = 0; n < 4; n++) {
    mouth.end();
    await settled();
  }
  assert.deepEqual(mouth.said, ["One.", "Twelve.", "Six."]);
});

test("a stop may stop the run, too; any message can be read on demand", async (t) => {
  const mouth = new Slow();
  const { speaker, show, stops } = speak(t, mouth);
  show([asks("1"), answers("a", "One. Two.", "completed")], "idle");
  speaker.read({ id: "a", text: "One. Two." });
  await settled();
  assert.deepEqual(mouth.said, ["One."]);
  speaker.stop({ run: true });
  await settled();
  assert.deepEqual([mouth.said.length, stops()], [1, 1]);
});

test("a server's voice that fails is stood in for by the browser's, and said to be; what is blocked is told", async (t) => {
  const said: string[] = [];
  const old = { ...globalThis } as Record<string, unknown>;
  const globals = globalThis as unknown as Record<string, unknown>;
  t.after(() => Object.assign(globals, { speechSynthesis: old.speechSynthesis, SpeechSynthesisUtterance: undefined }));
  globals.SpeechSynthesisUtterance = class {
    onend: (() => void) | null = null;
    constructor(readonly text: string) {}
  };
  globals.speechSynthesis = {
    getVoices: () => [{ lang: "en-US", localService: true }],
    speak: (one: { text: string; onend: () => void }) => (said.push(one.text), setTimeout(() => one.onend?.())),
    cancel: () => {},
  };
  const mouth = new Slow();
  mouth.fails = new VoiceError("failed", {
    code: "model_unavailable",
    message: "",
    recoverable: true,
    retryAfterS: null,
  });
  const { speaker, show } = speak(t, mouth);
  const seen: boolean[] = [];
  speaker.subscribe(({ isStandIn }) => seen.push(isStandIn));
  speaker.turn(true);
  show([asks("1", "sending")], "sending");
  show([asks("1"), answers("a", "One. Two.", "completed")], "idle");
  await settled();
  await settled();
  assert.deepEqual([mouth.said, said], [["One."], ["One.", "Two."]]);
  assert.ok(seen.includes(true));
  assert.equal(speaker.view.error?.code, "model_unavailable");
  mouth.fails = new VoiceError("blocked");
  show([asks("1"), answers("a", "One. Two.", "completed"), asks("2", "sending")], "sending");
  show(
    [asks("1"), answers("a", "One. Two.", "completed"), asks("2"), answers("b", "Three. Four.", "completed")],
    "idle",
  );
  await settled();
  assert.deepEqual([speaker.view.trouble, speaker.view.saying, said.length], ["blocked", null, 2]);
  globals.speechSynthesis = undefined;
  await assert.rejects(new BrowserMouth().say({ text: "x", language: "en" }, new AbortController().signal), {
    code: "unsupported",
  });
});

test("the voice is of the language, on this machine where there is one", () => {
  const voice = (lang: string, localService: boolean, isDefault = false) =>
    ({ lang, localService, default: isDefault, name: "", voiceURI: "" }) as SpeechSynthesisVoice;
  const far = voice("de-DE", false);
  const near = voice("de_AT", true);
  const english = voice("en-US", true, true);
  assert.equal(voiceFor("de-DE", [english, far, near]), near);
  assert.equal(voiceFor("de-DE", [english, far]), far);
  assert.equal(voiceFor("fr", [english, far]), null);
});

test("what is dictated is handed over once, and a page that is left hears nothing more", async () => {
  const got: string[] = [];
  let ends: (text: string) => void = () => {};
  let cancelled = 0;
  const ear: Ear = ({ cancel, finish, tell }) =>
    new Promise((resolve, reject) => {
      tell({ phase: "listening" });
      ends = (text) => (text === "deny" ? reject(new VoiceError("denied")) : resolve(text));
      finish.addEventListener("abort", () => resolve("finished"));
      cancel.addEventListener("abort", () => (cancelled++, resolve("too late")));
    });
  const dictation = new Listener(ear, { onText: (text) => got.push(text), language: "en" });
  dictation.start();
  dictation.start();
  assert.equal(dictation.view.phase, "listening");
  ends(" Hello. ");
  await settled();
  assert.deepEqual([got, dictation.view.phase], [["Hello."], "idle"]);
  dictation.start();
  dictation.finish();
  await settled();
  dictation.start();
  dictation.cancel();
  await settled();
  assert.deepEqual([got, cancelled, dictation.view.phase], [["Hello.", "finished"], 1, "idle"]);
  dictation.start();
  ends("deny");
  await settled();
  assert.equal(dictation.view.trouble, "denied");
  dictation.start();
  ends("  ");
  await settled();
  assert.equal(dictation.view.trouble, "nothing");
  dictation.close();
});
