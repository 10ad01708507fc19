/** An offer (a starter, a question, another try) is used up when it is taken, however quick the hand. */
import type { ChatView } from "@frontdesk/client";
import type { WidgetContext } from "./context";

const taken = new WeakMap<object, ChatView>();

/** Whether an offer may be taken now: while nothing is answered, and one in each state of the conversation. */
export function takes({ chat }: WidgetContext): boolean {
  const { view } = chat;
  if (view.phase !== "idle" || taken.get(chat) === view) return false;
  taken.set(chat, view);
  return true;
}

/** Something of one's own is said: what was offered until then is used up as well, before that can be seen. */
export function useUp({ chat }: WidgetContext): void {
  taken.set(chat, chat.view);
}

/** Returns a listener for a whole panel: a double click means the button that its first click met, not what took its place. */
export function firstButtonOnly(): (event: MouseEvent) => void {
  let met: Element | null = null;
  return (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (event.detail > 1 && button !== met) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else met = button;
  };
}

/** Returns a listener that does something once: a second press, before the first has shown, means the same. */
export function once(act: () => unknown): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}
