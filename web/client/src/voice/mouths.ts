/** What speaks: the browser's voices, or a model behind our server whose sound is played here. */
import { failure, refusal } from "../errors";
import { type Http, json } from "../http";
import type { Utterance } from "./reading";
import { VoiceError } from "./trouble";

export interface Mouth {
  /** Says it. Resolves when it was said, or at once when the signal is aborted; rejects with a `VoiceError`. */
  say(utterance: Utterance, signal: AbortSignal): Promise<void>;
  /** Gets ready for what is said next. */
  prepare?(utterance: Utterance, signal: AbortSignal): void;
  /** To be called while somebody presses something: browsers let nothing sound before. */
  unlock(): void;
  close(): void;
}

/** So long a browser has to find its voices, which it may fetch. */
const VOICES_MS = 2000;
/** So long a voice has to begin. */
const BEGIN_MS = 8000;
/** What nobody needs for a character, whatever the language. */
const CHARACTER_MS = 600;

/** What a browser's voice says on this page now. */
let isSaying: SpeechSynthesisUtterance | null = null;

/** The voices that the browser has. Those on this machine come first: others may send what they say to their maker. */
export class BrowserMouth implements Mouth {
  async say({ text, language }: Utterance, signal: AbortSignal): Promise<void> {
    const { speechSynthesis: synthesis, SpeechSynthesisUtterance: Made } = globalThis;
    if (!synthesis || !Made) throw new VoiceError("unsupported");
    const voices = await voicesOf(synthesis);
    if (signal.aborted) return;
    if (!voices.length) throw new VoiceError("unsupported");
    const said = new Made(text);
    said.lang = language;
    said.voice = voiceFor(language, voices);
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve, reject) => {
      const within = (ms: number) => {
        clearTimeout(timer);
        timer = setTimeout(() => reject(new VoiceError("failed")), ms);
      };
      within(BEGIN_MS);
      said.onstart = () => within(BEGIN_MS + CHARACTER_MS * text.length);
      said.onend = () => resolve();
      said.onerror = ({ error }) => {
        if (error === "canceled" || error === "interrupted") resolve();
        else reject(new VoiceError(error === "not-allowed" ? "blocked" : "failed"));
      };
      signal.addEventListener("abort", () => {
        // Only what is said now: another one may have begun to speak on this page.
        if (isSaying === said) synthesis.cancel();
        resolve();
      });
      isSaying = said; // some browsers drop one that nobody holds, and its events with it
      synthesis.speak(said);
    }).finally(() => {
      clearTimeout(timer);
      if (isSaying === said) isSaying = null;
    });
  }

  unlock(): void {}

  close(): void {}
}

async function voicesOf(synthesis: SpeechSynthesis): Promise<SpeechSynthesisVoice[]> {
  if (synthesis.getVoices().length) return synthesis.getVoices();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, VOICES_MS);
    synthesis.addEventListener?.("voiceschanged", () => (clearTimeout(timer), resolve()), { once: true });
  });
  return synthesis.getVoices();
}

/** Returns the best of these voices for a language; null lets the browser choose. */
export function voiceFor(language: string, voices: readonly SpeechSynthesisVoice[]): SpeechSynthesisVoice | null {
  const wanted = language.toLowerCase();
  const [primary] = wanted.split("-");
  const rank = ({ lang, localService, default: isDefault }: SpeechSynthesisVoice) => {
    const tag = lang.toLowerCase().replace("_", "-");
    if (tag.split("-")[0] !== primary) return 0;
    return 1 + (localService ? 8 : 0) + (tag === wanted ? 4 : 0) + (isDefault ? 2 : 0);
  };
  const [best] = [...voices].sort((one, other) => rank(other) - rank(one));
  return best && rank(best) > 0 ? best : null;
}

/** So long an output has to begin to sound that was asked to. */
const RESUME_MS = 500;

/**
 * Plays what the server says, by Web Audio: a page's policy needs to allow no source of media for it. What is next is fetched
 * while the one before it sounds.
 */
export class ServerMouth implements Mouth {
  #http: Http;
  #assistant: () => string | undefined;
  #context: AudioContext | null = null;
  #next = new Map<Utterance, Promise<AudioBuffer>>();

  constructor(http: Http, assistant: () => string | undefined) {
    this.#http = http;
    this.#assistant = assistant;
  }

  prepare(utterance: Utterance, signal: AbortSignal): void {
    if (this.#next.has(utterance)) return;
    const fetched = this.#fetch(utterance, signal);
    fetched.catch(() => {}); // it is told when it is said
    this.#next.set(utterance, fetched);
  }

  async say(utterance: Utterance, signal: AbortSignal): Promise<void> {
    this.prepare(utterance, signal);
    const fetched = this.#next.get(utterance)!;
    try {
      const sound = await fetched;
      if (!signal.aborted) await this.#play(sound, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#next.delete(utterance);
    }
  }

  unlock(): void {
    void this.#output()?.resume();
  }

  close(): void {
    this.#http.closed.abort();
    void this.#context?.close().catch(() => {});
    this.#context = null;
    this.#next.clear();
  }

  async #fetch({ text, language }: Utterance, signal: AbortSignal): Promise<AudioBuffer> {
    const output = this.#output();
    if (!output) throw new VoiceError("unsupported");
    try {
      const body = { text, language, assistant: this.#assistant() };
      const response = await this.#http.request("POST", "/audio/speech", { body, signal });
      if (!response.ok) throw refusal(response, await json(response));
      return await output.decodeAudioData(await response.arrayBuffer());
    } catch (error) {
      // What cannot be decoded was cut, or is no sound.
      throw new VoiceError("failed", failure(error, "bad_response"));
    }
  }

  async #play(sound: AudioBuffer, signal: AbortSignal): Promise<void> {
    const output = this.#output()!;
    if (output.state !== "running") {
      await Promise.race([output.resume(), new Promise((resolve) => setTimeout(resolve, RESUME_MS))]);
      if (signal.aborted) return;
      if ((output.state as string) !== "running") throw new VoiceError("blocked");
    }
    const source = output.createBufferSource();
    source.buffer = sound;
    source.connect(output.destination);
    await new Promise<void>((resolve) => {
      source.onended = () => resolve();
      signal.addEventListener("abort", () => (source.stop(), resolve()));
      source.start();
    });
    source.disconnect();
  }

  #output(): AudioContext | null {
    const Made = globalThis.AudioContext;
    if (!this.#context && Made) this.#context = new Made();
    return this.#context;
  }
}
