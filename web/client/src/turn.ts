/** A turn: a user's message and its answer, from the store or from the run that makes it. */
import { emptyAnswer } from "./reduce";
import type { Run } from "./run";
import type { Exchange } from "./transcript";
import type { FileView, MessageView } from "./types";

export interface Turn extends Exchange {
  run?: Run;
}

/** Returns a message that is made now, perhaps in the place of another. */
export function newMessage<Message extends Partial<MessageView>>(message: Message, before?: MessageView | null) {
  return {
    ...emptyAnswer,
    versions: before ? [...before.versions, before] : [],
    createdAt: new Date().toISOString(),
    ...message,
  };
}

/** A user's message as it was written just now. */
export function newUserMessage(
  text: string,
  before?: MessageView | null,
  files: readonly FileView[] = before?.files ?? [],
): MessageView {
  return newMessage({ id: randomId(), role: "user", text, files, status: "sending" }, before);
}

/** Returns the one of these that a run belongs to. */
export function turnOf(turns: readonly Turn[], runId: string | null): Turn | undefined {
  return turns.find((turn) => turn.runId && turn.runId === runId);
}

export function messagesOf(turns: readonly Turn[]): MessageView[] {
  return turns.flatMap((turn) => [turn.user, turn.answer]).filter(Boolean) as MessageView[];
}

/** Is unlike any other of this user, also where a page has stopped its clock or loaded its dice. */
export const randomId = () => "" + Math.random() + performance.now() + Date.now();
