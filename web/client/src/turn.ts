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
  return { ...emptyAnswer, versions, createdAt: new Date(now()).toISOString(), ...message };
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
export function runIdOf({ run, user, answer }: Partial<Turn>): string | null | undefined {
  return run?.answer.runId ?? (user ?? answer)?.runId;
}

/** Returns the one of these that is the same turn. */
export function turnOf(turns: readonly Turn[], same: Partial<Turn>): Turn | undefined {
  return turns.find((turn) => runIdOf(turn) === runIdOf(same));
}

export function messagesOf(turns: readonly Turn[]): MessageView[] {
  return turns.flatMap((turn) => [turn.user, answerOf(turn)]).filter(Boolean) as MessageView[];
}

/** Is unlike any other of this user. */
export const randomId = () => `${Math.random()}${Date.now()}`;
