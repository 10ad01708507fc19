/** The one stream of a turn with lanes: read to its end, through whatever happens to the connection. */
import { failure, refusal } from "./errors";
import { type Http, json } from "./http";
import type { RunRequest } from "./run";
import { readFrames } from "./stream";
import { backoff, firstRetryMs, silenceMs, TRIES } from "./timing";
import type { WireEvent } from "./wire";

/** An event, and whose it is. */
export interface LaneEvent {
  readonly lane: number;
  readonly model: string;
  readonly event: WireEvent;
}

/** What the server wants later than this is not waited for, before it has taken the message. */
const PATIENCE_S = 60;

/**
 * Calls `take` with what came, and `lost` when the connection broke and is tried again. Resolves at the end of all lanes, or when it
 * is `closed`; rejects with a `FrontdeskError` where there is no hope. A message is posted again with its key until the server has
 * told of the turn, which is never given up from then on.
 */
export async function readTurn(
  http: Http,
  from: RunRequest,
  closed: AbortSignal,
  take: (told: readonly LaneEvent[]) => void,
  lost: () => void,
): Promise<void> {
  let { path } = from;
  let hasBegun = !from.key;
  let lastId = "";
  let retryMs = firstRetryMs;
  let isWhole = false;
  for (let tries = 1; !closed.aborted; tries++) {
    let heardAt = Date.now();
    const silent = new AbortController();
    const watch = setInterval(() => Date.now() - heardAt > silenceMs && silent.abort(), silenceMs / 8);
    const error = await ask(AbortSignal.any([closed, silent.signal, http.user.signal]))
      .then((response) => readFrames(response.body!, hear, (ms) => (retryMs = ms)))
      .then(failure, failure);
    clearInterval(watch);
    if (isWhole || closed.aborted) return;
    const isPatient = hasBegun || (tries < TRIES && error.retryAfterS! <= PATIENCE_S);
    if (!error.recoverable || !isPatient) throw error;
    lost();
    await pause(backoff(tries, retryMs, error), Date.now() + error.retryAfterS! * 1000);

    function hear(frames: readonly { id?: string | undefined; data: string }[]): void {
      heardAt = Date.now();
      const told: LaneEvent[] = [];
      for (const { id, data } of frames) {
        lastId = id ?? lastId;
        if (data === "[DONE]") isWhole = true;
        else told.push(...read(data));
      }
      if (!told.length) return;
      tries = 0;
      if (!closed.aborted) take(told);
    }
  }

  /** Returns what a line says; nothing where it would not get better by asking for it again. */
  function read(data: string): LaneEvent[] {
    try {
      const { lane, model, ...event } = JSON.parse(data);
      if (event.run_id && !hasBegun) {
        // Any of its runs names the turn.
        path = `/turns/${event.run_id}/events`;
        hasBegun = true;
      }
      return [{ lane, model, event }];
    } catch {
      return [];
    }
  }

  async function ask(signal: AbortSignal): Promise<Response> {
    const isPost = !hasBegun;
    const response = await http.request(isPost ? "POST" : "GET", path, {
      body: isPost ? from.body : undefined,
      headers: {
        accept: "text/event-stream",
        ...(isPost && { "idempotency-key": from.key! }),
        ...(lastId && { "last-event-id": lastId }),
      },
      signal,
    });
    if (!response.ok) throw refusal(response, await json(response));
    if (!/event-stream/.test(response.headers.get("content-type")!)) throw refusal(response, {});
    return response;
  }

  /** Waits for the next try: shorter where the network comes back or the page is looked at, but not before the server wants it. */
  function pause(ms: number, notBefore: number): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer);
        http.listeners.delete(woken);
        closed.removeEventListener("abort", go);
        resolve();
      };
      const woken = (told: string) => void (told !== "offline" && Date.now() >= notBefore && go());
      const timer = setTimeout(go, ms);
      http.listeners.add(woken);
      closed.addEventListener("abort", go);
    });
  }
}
