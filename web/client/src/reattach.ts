/** Answers that were being made when a conversation was opened. */
import { pathOf } from "./conversations";
import type { Http } from "./http";
import { Run } from "./run";
import type { Thread } from "./thread";
import { newMessage, type Turn } from "./turn";
import { now } from "./timing";
import type { ReceivedEvent } from "./types";

const RECENT_MS = 60_000;

/**
 * Goes on with the answers that are being made, in their order. Those that are whole, but new, may want something done.
 * `changed` is called with the turn that is different, and the events that made it so; `lost` when it is none that is known.
 */
export async function goOn(
  http: Http,
  thread: Thread,
  changed: (turn: Turn, events: readonly ReceivedEvent[]) => void,
  lost: (isLost: boolean) => void,
): Promise<void> {
  while (await attach(`${pathOf(thread.id!)}/stream`));
  for (const turn of thread.turns.slice(-3)) {
    const isRecent = now() - Date.parse((turn.answer ?? turn.user)?.createdAt!) < RECENT_MS;
    if (isRecent && !turn.run && thread.turns.includes(turn)) await attach(`/runs/${turn.user?.runId}/events`);
  }
  delete thread.finder;

  /** Reads a run that was not sent from here, and says whether it came to its end and is shown. */
  async function attach(path: string): Promise<unknown> {
    let isLost = false;
    const found = (thread.finder = new Run(http, { path }, newMessage({}), (events) => {
      const turn = thread.turns.find((one) => one.user?.runId === found.answer.runId);
      // Sent from elsewhere since the messages were read; or from here, and then it is read already.
      if (!turn && !isLost) lost((isLost = true));
      if (!turn || (turn.run ?? found) !== found) return;
      found.answer = { ...found.answer, versions: turn.answer?.versions ?? [] };
      turn.run = found;
      changed(turn, events);
    }));
    await found.follow();
    return found.answer.usage && thread.turns.some(({ run }) => run === found);
  }
}
