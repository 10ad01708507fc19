/** Answers read out, and what is said written down. An entry of its own: who wants neither does not load it. */
import { Http } from "../http";
import type { Assistant, ClientOptions } from "../types";
import { browserEar, type Dictation, type DictationOptions, Listener, serverEar } from "./dictation";
import { BrowserMouth, ServerMouth } from "./mouths";
import { ChatSpeaker, type Speaker, type SpeakerOptions, type SpokenChat } from "./speaker";

export type { Dictation, DictationOptions, DictationView } from "./dictation";
export type { SpokenWords, Utterance } from "./reading";
export type { Speaker, SpeakerOptions, SpeakerView, SpokenChat } from "./speaker";
export type { Trouble } from "./trouble";
export { spoken } from "./reading";
export { sentences } from "./sentences";

/** Whose voice it is: the server's, or the browser's; as the assistant says it. */
export interface VoiceOptions extends ClientOptions {
  voice: NonNullable<Assistant["voice"]>;
  /** The id of the assistant, where there are several; asked each time. */
  assistant?: () => string | undefined;
}

/**
 * Follows a chat, and reads the answers out that are asked for on this page, once it is turned on. It stops when something is
 * sent, when another tab of the browser speaks, and when what it reads is shown no more.
 */
export function watchSpeech(options: VoiceOptions, chat: SpokenChat, about: SpeakerOptions = {}): Speaker {
  let speaker: Speaker | null = null;
  const assistant = options.assistant ?? (() => undefined);
  const mouth =
    options.voice.speech === "server"
      ? new ServerMouth(
          open(options, () => speaker?.stop()),
          assistant,
        )
      : new BrowserMouth();
  return (speaker = new ChatSpeaker(chat, mouth, about));
}

/** Makes what listens. Nothing is heard before `start`. */
export function openDictation(options: VoiceOptions, about: DictationOptions): Dictation {
  let dictation: Dictation | null = null;
  const assistant = options.assistant ?? (() => undefined);
  const left = () => dictation?.cancel();
  const { fetch = globalThis.fetch } = options;
  const ear =
    options.voice.dictation === "server"
      ? serverEar((sent) => open({ ...options, fetch: sent }, left), assistant, fetch)
      : browserEar;
  return (dictation = new Listener(ear, about));
}

function open({ url, token, fetch }: VoiceOptions, left: () => void): Http {
  return new Http({ url, ...(token && { token }), ...(fetch && { fetch }) }, left);
}
