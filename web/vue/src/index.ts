/** A chat of Frontdesk in Vue. */
import type { Chat, ChatView } from "@frontdesk/client";
import type { Upload, Uploads } from "@frontdesk/client/files";
import type { Lanes, LanesView } from "@frontdesk/client/lanes";
import type { Dictation, DictationView, Speaker, SpeakerView } from "@frontdesk/client/voice";
import { computed, type ComputedRef, onScopeDispose, shallowRef } from "vue";

/** What the chat shows, a ref each, and what can be done with it. */
export type UseChat = { readonly [Name in keyof ChatView]-?: ComputedRef<ChatView[Name]> } & Omit<
  Chat,
  "view" | "actions" | "tools" | "subscribe" | "onAction" | "onEvent" | "close"
>;

/** Answers beside each other, a ref each, and what can be done with them. */
export type UseLanes = { readonly [Name in keyof LanesView]: ComputedRef<LanesView[Name]> } & Pick<
  Lanes,
  "ask" | "stop" | "choose"
>;

/** Shows a chat and follows it. It outlives the component, and any number may show it; `close` it where it was made. */
export function useChat(chat: Chat): UseChat {
  const view = shallowRef(chat.view);
  onScopeDispose(chat.subscribe((next) => (view.value = next)));
  const show = <Name extends keyof ChatView>(name: Name) => computed(() => view.value[name]);
  const { send, stop, retry, regenerate, edit, open, startNew, decide, signOut } = chat;
  return {
    conversationId: show("conversationId"),
    title: show("title"),
    summary: show("summary"),
    messages: show("messages"),
    phase: show("phase"),
    suggestions: show("suggestions"),
    error: show("error"),
    connection: show("connection"),
    ...{ send, stop, retry, regenerate, edit, open, startNew, decide, signOut },
  };
}

/** Shows the lanes of a chat and follows them; `close` them where they were made. */
export function useLanes(lanes: Lanes): UseLanes {
  const view = shallowRef(lanes.view);
  onScopeDispose(lanes.subscribe((next) => (view.value = next)));
  const show = <Name extends keyof LanesView>(name: Name) => computed(() => view.value[name]);
  const { ask, stop, choose } = lanes;
  return {
    lanes: show("lanes"),
    sending: show("sending"),
    chosen: show("chosen"),
    phase: show("phase"),
    error: show("error"),
    ...{ ask, stop, choose },
  };
}

/** The files of the message that is being written, as a ref, and what can be done with them. */
export type UseFiles = { readonly items: ComputedRef<readonly Upload[]> } & Pick<
  Uploads,
  "add" | "retry" | "remove" | "settled" | "sent"
>;

/** Shows uploads and follows them; `close` them where they were made. */
export function useFiles(uploads: Uploads): UseFiles {
  const items = shallowRef(uploads.items);
  onScopeDispose(uploads.subscribe((next) => (items.value = next)));
  const { add, retry, remove, settled, sent } = uploads;
  return { items: computed(() => items.value), add, retry, remove, settled, sent };
}

/** What reads answers out, a ref each, and what can be done with it. */
export type UseSpeech = { readonly [Name in keyof SpeakerView]: ComputedRef<SpeakerView[Name]> } & Pick<
  Speaker,
  "turn" | "read" | "stop"
>;

/** Shows what is read out and follows it; `close` the speaker where it was made. */
export function useSpeech(speaker: Speaker): UseSpeech {
  const view = shallowRef(speaker.view);
  onScopeDispose(speaker.subscribe((next) => (view.value = next)));
  const show = <Name extends keyof SpeakerView>(name: Name) => computed(() => view.value[name]);
  const { turn, read, stop } = speaker;
  return {
    isOn: show("isOn"),
    saying: show("saying"),
    trouble: show("trouble"),
    error: show("error"),
    isStandIn: show("isStandIn"),
    ...{ turn, read, stop },
  };
}

/** What listens, a ref each, and what can be done with it. */
export type UseDictation = { readonly [Name in keyof DictationView]: ComputedRef<DictationView[Name]> } & Pick<
  Dictation,
  "start" | "finish" | "cancel"
>;

/** Shows a dictation and follows it; `close` it where it was made. */
export function useDictation(dictation: Dictation): UseDictation {
  const view = shallowRef(dictation.view);
  onScopeDispose(dictation.subscribe((next) => (view.value = next)));
  const show = <Name extends keyof DictationView>(name: Name) => computed(() => view.value[name]);
  const { start, finish, cancel } = dictation;
  return {
    phase: show("phase"),
    heard: show("heard"),
    trouble: show("trouble"),
    error: show("error"),
    ...{ start, finish, cancel },
  };
}
