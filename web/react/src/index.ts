/** A chat of Frontdesk in React. */
import type { Chat, ChatView } from "@frontdesk/client";
import type { Upload, Uploads } from "@frontdesk/client/files";
import type { Lanes, LanesView } from "@frontdesk/client/lanes";
import type { Dictation, DictationView, Speaker, SpeakerView } from "@frontdesk/client/voice";
import { useMemo, useSyncExternalStore } from "react";

/** What the chat shows, and what can be done with it. The calls stay the same functions. */
export type UseChat = ChatView &
  Omit<Chat, "view" | "actions" | "tools" | "subscribe" | "onAction" | "onEvent" | "close">;

/** Shows a chat and follows it. It outlives the component, and any number may show it; `close` it where it was made. */
export function useChat(chat: Chat): UseChat {
  const look = () => chat.view;
  const view = useSyncExternalStore(chat.subscribe, look, look);
  return useMemo(() => {
    const { send, stop, retry, regenerate, edit, open, startNew, decide, signOut } = chat;
    return { ...view, send, stop, retry, regenerate, edit, open, startNew, decide, signOut };
  }, [chat, view]);
}

/** Answers beside each other, and what can be done with them. */
export type UseLanes = LanesView & Pick<Lanes, "ask" | "stop" | "choose">;

/** Shows the lanes of a chat and follows them; `close` them where they were made. */
export function useLanes(lanes: Lanes): UseLanes {
  const look = () => lanes.view;
  const view = useSyncExternalStore(lanes.subscribe, look, look);
  return useMemo(() => {
    const { ask, stop, choose } = lanes;
    return { ...view, ask, stop, choose };
  }, [lanes, view]);
}

/** The files of the message that is being written, and what can be done with them. */
export type UseFiles = { readonly items: readonly Upload[] } & Pick<
  Uploads,
  "add" | "retry" | "remove" | "settled" | "sent"
>;

/** Shows uploads and follows them; `close` them where they were made. */
export function useFiles(uploads: Uploads): UseFiles {
  const look = () => uploads.items;
  const items = useSyncExternalStore(uploads.subscribe, look, look);
  return useMemo(() => {
    const { add, retry, remove, settled, sent } = uploads;
    return { items, add, retry, remove, settled, sent };
  }, [uploads, items]);
}

/** What reads answers out, and what can be done with it. */
export type UseSpeech = SpeakerView & Pick<Speaker, "turn" | "read" | "stop">;

/** Shows what is read out and follows it; `close` the speaker where it was made. */
export function useSpeech(speaker: Speaker): UseSpeech {
  const look = () => speaker.view;
  const view = useSyncExternalStore(speaker.subscribe, look, look);
  return useMemo(() => {
    const { turn, read, stop } = speaker;
    return { ...view, turn, read, stop };
  }, [speaker, view]);
}

/** What listens, and what can be done with it. */
export type UseDictation = DictationView & Pick<Dictation, "start" | "finish" | "cancel">;

/** Shows a dictation and follows it; `close` it where it was made. */
export function useDictation(dictation: Dictation): UseDictation {
  const look = () => dictation.view;
  const view = useSyncExternalStore(dictation.subscribe, look, look);
  return useMemo(() => {
    const { start, finish, cancel } = dictation;
    return { ...view, start, finish, cancel };
  }, [dictation, view]);
}
