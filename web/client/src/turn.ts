/** A turn: a user's message and its answer, from the store or from the run that makes it. */
import { emptyAnswer } from "./reduce";
import type { Run } from "./run";
import { now } from "./timing";
import type { Exchange } from "./transcript";
import type { AnswerView, MessageView } from "./types";

export interface Turn extends Exchange {
  run?: Run;
}

/** Returns a message that is made now, perhaps in the place of another. */
export function newMessage<Message extends Partial<MessageView>>(message: Message, before?: MessageView | null) {
  const versions = before ? [...before.versions, before] : [];
  return { ...emptyAnswer, createdAt: new Date(now()).toISOString(), versions, ...message };
}

/** A user's message as it was written just now. */
export function newUserMessage(text: string, before?: MessageView | null): MessageView {
  return newMessage({ id: randomId(), role: "user", text, status: "sending" }, before);
}

/** Returns what is known of a turn's answer: from its run as soon as that has told anything. */
export function answerOf({ run, answer }: Turn): AnswerView | null {
  return run?.answer.id ? run.answer : answer;
}

/** Returns the run that a turn is known by; none before the server has taken it. */
export function runIdOf({ user, answer }: Exchange): string | null | undefined {
  return (user ?? answer)?.runId;
}

export function messagesOf(turns: readonly Turn[]): MessageView[] {
  return turns.flatMap((turn) => [turn.user, answerOf(turn)]).filter(Boolean) as MessageView[];
}

/** Is unlike any other of this user. */
export const randomId = () => `${Date.now()}-${Math.random()}`;
