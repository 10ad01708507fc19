/** Answers that were being made when a conversation was opened. */
import { pathOf } from "./conversations";
import type { Http } from "./http";
import { Run } from "./run";
import type { Thread } from "./thread";
import { type Turn, turnOf } from "./turn";
import type { ReceivedEvent } from "./types";

const RECENT_MS = 60_000;

/**
 * Goes on with the answers that are being made, in their order. Those that are whole, but new, may want something done.
 * Asked while it does, it looks once more. `changed` is called with the turn that is different, and the events that made it
 * so; `lost` when it is none that is known.
 */
export async function goOn(
  http: Http,
  thread: Thread,
  changed: (turn: Turn, events: readonly ReceivedEvent[]) => void,
  lost: () => unknown,
): Promise<void> {
  thread.mayGoOn = true;
  if (thread.finder) return;
  while (thread.mayGoOn) {
    thread.mayGoOn = false;
    while (await attach(`${pathOf(thread.id!)}/stream`));
    for (const turn of thread.turns.slice(-3)) {
      const isRecent = Date.now() + http.aheadMs - Date.parse((turn.answer ?? turn.user)?.createdAt!) < RECENT_MS;
      if (isRecent && !turn.run && thread.turns.includes(turn)) await attach(`/runs/${turn.runId}/events`);
    }
  }
  delete thread.finder;

  /** Reads a run that was not sent from here, and says whether it came to its end and is shown. */
  async function attach(path: string): Promise<unknown> {
    const found = (thread.finder = new Run(http, { path }, (events) => {
      const runId = found.answer.runId;
      const turn = turnOf(thread.turns, runId);
      // Sent from elsewhere since the messages were read: read anew, they say where it belongs, and it is looked for again.
      // While nothing has come there is nothing to tell.
      if (!turn) return runId && (found.close(), lost());
      if ((turn.run ?? found) !== found) return found.close(); // sent from here since then, so it is read already
      found.answer = { ...found.answer, versions: turn.answer?.versions ?? [] };
      turn.run = found;
      changed(turn, events);
    }));
    await found.follow();
    return found.answer.usage && thread.turns.some((turn) => turn.run === found);
  }
}
