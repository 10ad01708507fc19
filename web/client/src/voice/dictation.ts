/** Writes down what is said: by the browser's own recognition, or by a model behind our server, which gets a recording. */
import { failure, refusal } from "../errors";
import { type Http, json } from "../http";
import { tell } from "../page-requests";
import type { ErrorView } from "../types";
import { type Trouble, VoiceError } from "./trouble";

/** Immutable, as a chat's view is. */
export interface DictationView {
  /** `asking` for the microphone, `listening`, `writing` down what was said. */
  readonly phase: "idle" | "asking" | "listening" | "writing";
  /** What was understood so far, where that is known before the end. */
  readonly heard: string;
  /** Why nothing came of the last one; null again with the next. */
  readonly trouble: Trouble | null;
  /** What the server told of that. */
  readonly error: ErrorView | null;
}

export interface Dictation {
  readonly view: DictationView;
  /** Calls the listener after each change; returns the function that ends this. */
  subscribe(listener: (view: DictationView) => void): () => void;
  /** Listens. To be called while somebody presses something. */
  start(): void;
  /** Listens no more, and writes down what was said. */
  finish(): void;
  /** Forgets what was said. */
  cancel(): void;
  close(): void;
}

export interface DictationOptions {
  /** What is probably spoken; the browser's language. */
  language?: string;
  /** Gets what was said. It is text and nothing more: whoever wants it sent does that. */
  onText: (text: string) => void;
}

/** What listens. Resolves to what was said when `finish` is aborted, or it ends by itself; rejects with a `VoiceError`. */
export type Ear = (signals: {
  cancel: AbortSignal;
  finish: AbortSignal;
  language: string;
  tell: (view: Partial<DictationView>) => void;
}) => Promise<string>;

const IDLE: DictationView = { phase: "idle", heard: "", trouble: null, error: null };

export class Listener implements Dictation {
  view = IDLE;
  #ear: Ear;
  #options: DictationOptions;
  #listeners = new Set<(view: DictationView) => void>();
  #cancel: AbortController | null = null;
  #finish = new AbortController();

  constructor(ear: Ear, options: DictationOptions) {
    this.#ear = ear;
    this.#options = options;
    globalThis.addEventListener?.("pagehide", this.cancel);
    globalThis.document?.addEventListener("visibilitychange", this.#look);
  }

  subscribe = (listener: (view: DictationView) => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  start = () => {
    if (!this.#cancel) void this.#listen();
  };

  finish = () => this.#finish.abort();

  cancel = () => {
    this.#cancel?.abort();
    this.#cancel = null;
    this.#show(IDLE);
  };

  close = () => {
    this.cancel();
    this.#listeners.clear();
    globalThis.removeEventListener?.("pagehide", this.cancel);
    globalThis.document?.removeEventListener("visibilitychange", this.#look);
  };

  async #listen(): Promise<void> {
    const cancelling = (this.#cancel = new AbortController());
    const { signal: cancel } = cancelling;
    this.#finish = new AbortController();
    this.#show({ ...IDLE, phase: "asking" });
    const language = this.#options.language || globalThis.navigator?.language || "en";
    try {
      const told = (view: Partial<DictationView>) => cancel.aborted || this.#show(view);
      const text = (await this.#ear({ cancel, finish: this.#finish.signal, language, tell: told })).trim();
      if (cancel.aborted) return;
      this.#show(text ? IDLE : { ...IDLE, trouble: "nothing" });
      if (text) this.#options.onText(text);
    } catch (thrown) {
      if (cancel.aborted) return;
      const { code, error } = thrown instanceof VoiceError ? thrown : new VoiceError("failed", failure(thrown));
      this.#show({ ...IDLE, trouble: code, error });
    } finally {
      if (this.#cancel === cancelling) this.#cancel = null;
    }
  }

  /** Nobody is listened to by a page that is not looked at. */
  #look = () => {
    if (document.hidden && this.view.phase === "asking") this.cancel();
    else if (document.hidden) this.finish();
  };

  #show(changed: Partial<DictationView>): void {
    this.view = { ...this.view, ...changed };
    tell(this.#listeners, this.view);
  }
}

/** The part of the browser's recognition that is used; TypeScript does not know it. */
interface Recognition {
  lang: string;
  interimResults: boolean;
  onstart: (() => void) | null;
  onresult: ((event: { results: ArrayLike<ArrayLike<{ transcript: string }>> }) => void) | null;
  onerror: ((event: { error: string }) => void) | null;
  onend: (() => void) | null;
  start(): void;
  stop(): void;
  abort(): void;
}

const TROUBLES: Readonly<Record<string, Trouble>> = {
  "not-allowed": "denied",
  "service-not-allowed": "denied",
  "audio-capture": "missing",
  "language-not-supported": "unsupported",
  network: "network",
  "no-speech": "nothing",
};

/** Listens with the browser's own recognition, which ends by itself when somebody is silent. */
export const browserEar: Ear = ({ cancel, finish, language, tell: told }) =>
  new Promise((resolve, reject) => {
    const { SpeechRecognition, webkitSpeechRecognition } = globalThis as unknown as Record<
      string,
      new () => Recognition
    >;
    const Made = SpeechRecognition ?? webkitSpeechRecognition;
    if (!Made) return reject(new VoiceError("unsupported"));
    const recognition = new Made();
    let heard = "";
    recognition.lang = language;
    recognition.interimResults = true;
    recognition.onstart = () => told({ phase: "listening" });
    recognition.onresult = ({ results }) => {
      heard = Array.from(results, (result) => result[0]?.transcript ?? "").join("");
      told({ phase: "listening", heard });
    };
    recognition.onerror = ({ error }) => reject(new VoiceError(TROUBLES[error] ?? "failed"));
    recognition.onend = () => resolve(heard);
    cancel.addEventListener("abort", () => (recognition.abort(), resolve("")));
    finish.addEventListener("abort", () => recognition.stop());
    try {
      recognition.start();
    } catch {
      reject(new VoiceError("failed"));
    }
  });

/** The server takes two minutes; a recorder stops a moment after it was told to. */
const MOST_MS = 115_000;
/** Enough for speech, and two minutes are half a megabyte. */
const BITS_PER_S = 32_000;
const KINDS = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

/** Returns what records, and lets the server write it down. */
export function serverEar(
  open: (fetch: typeof globalThis.fetch) => Http,
  assistant: () => string | undefined,
  fetch: typeof globalThis.fetch,
): Ear {
  let form = new FormData();
  // The client sends JSON. This is a form, whose type the browser names.
  const http = open((input, init) => {
    const headers = new Headers(init?.headers);
    headers.delete("content-type");
    return fetch(input, { ...init, headers, body: form });
  });
  return async ({ cancel, finish, language, tell: told }) => {
    const recording = await record({ cancel, finish, told });
    if (cancel.aborted || !recording) return "";
    told({ phase: "writing" });
    form = new FormData();
    form.append("file", recording, "speech");
    form.append("language", language);
    const named = assistant();
    if (named) form.append("assistant", named);
    try {
      const response = await http.request("POST", "/audio/transcriptions", { signal: cancel });
      if (!response.ok) throw refusal(response, await json(response));
      return String((await json(response)).text ?? "");
    } catch (error) {
      throw new VoiceError("failed", failure(error));
    }
  };
}

async function record({
  cancel,
  finish,
  told,
}: {
  cancel: AbortSignal;
  finish: AbortSignal;
  told: (view: Partial<DictationView>) => void;
}): Promise<Blob | null> {
  const devices = globalThis.navigator?.mediaDevices;
  const { MediaRecorder } = globalThis;
  if (!devices?.getUserMedia || !MediaRecorder) throw new VoiceError("unsupported");
  const stream = await devices.getUserMedia({ audio: true }).catch(({ name }: DOMException) => {
    throw new VoiceError(/NotAllowed|Security/.test(name) ? "denied" : "missing");
  });
  try {
    if (cancel.aborted || finish.aborted) return null;
    const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
    if (!mimeType) throw new VoiceError("unsupported");
    const recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: BITS_PER_S });
    const pieces: Blob[] = [];
    const stop = () => recorder.state !== "inactive" && recorder.stop();
    const timer = setTimeout(stop, MOST_MS);
    const stopped = new Promise<void>((resolve, reject) => {
      recorder.ondataavailable = ({ data }) => pieces.push(data);
      recorder.onstop = () => resolve();
      recorder.onerror = () => reject(new VoiceError("failed"));
    });
    for (const signal of [cancel, finish]) signal.addEventListener("abort", stop);
    recorder.start();
    told({ phase: "listening" });
    await stopped.finally(() => clearTimeout(timer));
    return new Blob(pieces, { type: mimeType });
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}
