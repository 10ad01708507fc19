/** Follows one run to its end, through whatever happens to the connection. */
import { failure, type FrontdeskError, refusal } from "./errors";
import { type Http, json } from "./http";
import { reduce } from "./reduce";
import { type Frame, readFrames } from "./stream";
import { askedMs, backoff, firstRetryMs, silenceMs, TRIES } from "./timing";
import type { AnswerView, Phase, ReceivedEvent } from "./types";
import type { WireEvent } from "./wire";

/** What starts a run: posted again with the same key it is the same run. Without a key it asks for one that there is. */
export interface RunRequest {
  readonly path: string;
  readonly body?: unknown;
  readonly key?: string;
}

export interface Run {
  answer: AnswerView;
  /** `idle` when it is over, or when nobody reads it any more; then its answer has no `usage`. */
  phase: Phase;
  /** Ids of what it asked the page for, and was looked at. */
  readonly seen: Set<string>;
  /** Reads to the run's end, or until there is no hope. Called again, it goes on where it was. */
  follow(): Promise<void>;
  /** Stops the run. Without a connection it looks stopped at once, and the server is told as soon as it can be. */
  stop(): Promise<void>;
  /** Comes back at once: its user gave what it waited for. */
  resume(): void;
  /** Whether its user is gone. */
  isLost(): boolean;
  /** Tells the server something about the run, for its user only. */
  tell(what: string, body?: unknown, tries?: number): Promise<unknown>;
  /** Ends the reading. The run goes on. */
  close(): void;
}

/** What the server wants later than this is not waited for. */
const PATIENCE_MS = 60_000;

/** `changed` is called when anything is different, with the events that made it so. `answer` is how it begins. */
export function openRun(
  http: Http,
  from: RunRequest,
  answer: AnswerView,
  changed: (events: readonly ReceivedEvent[]) => void,
): Run {
  const { signal: user } = http.user;
  let connection = new AbortController();
  let heardAt = 0;
  let lastId: string | null = null;
  let retryMs = firstRetryMs;
  /** How often nothing came, one after the other. */
  let tries = 0;
  let isStopped = false;
  let isClosed = false;
  /** Resolves when nobody reads it any more. */
  let followed = Promise.resolve();
  let wake = (_isForced?: boolean) => {};

  const run: Run = {
    answer,
    phase: "sending",
    seen: new Set(),
    follow() {
      isClosed = false; // now: what closes it before the reading begins is not to be undone
      return (followed = followed.then(follow));
    },
    async stop() {
      if (run.phase === "idle") return;
      isStopped = true;
      if (run.answer.runId && run.phase !== "reconnecting" && (await cancel(TRIES))) {
        run.resume();
        return followed;
      }
      abandon();
    },
    resume() {
      tries = 0;
      wake(true);
    },
    isLost: () => user.aborted,
    async tell(what, body, tries) {
      user.throwIfAborted();
      return http.insist(`/runs/${run.answer.runId}/${what}`, body, tries);
    },
    close() {
      isClosed = true;
      connection.abort();
      wake(true);
    },
  };
  return run;

  function cancel(tries?: number): Promise<unknown> {
    return run.tell("cancel", undefined, tries).catch(() => null);
  }

  async function follow(): Promise<void> {
    isStopped = false;
    tries = 0;
    if (run.phase === "idle") become("reconnecting", { status: "streaming", error: null });
    http.listeners.add(woken);
    while (!isOver()) await untilNext(await read());
    http.listeners.delete(woken);
  }

  /** Reads one connection to its end, and returns why it ended. */
  async function read(): Promise<FrontdeskError> {
    const { signal } = (connection = new AbortController());
    const watch = setInterval(leaveIfSilent, silenceMs / 8);
    heardAt = Date.now();
    try {
      const response = await ask(signal);
      if (response.status === 204)
        run.close(); // no run is active
      else if (/event-stream/.test(response.headers.get("content-type")!)) {
        await readFrames(response.body!, take, (ms) => (retryMs = ms));
      } else {
        const body = await json(response);
        if (!("response" in body)) throw refusal(response, body);
        take([{ data: JSON.stringify(body) }]);
      }
      return failure();
    } catch (error) {
      return failure(error);
    } finally {
      clearInterval(watch);
    }
  }

  function ask(signal: AbortSignal): Promise<Response> {
    const { path, body, key }: RunRequest = run.answer.runId ? { path: `/runs/${run.answer.runId}/events` } : from;
    return http.request(key ? "POST" : "GET", path, {
      body,
      headers: {
        accept: "text/event-stream",
        ...(key && { "idempotency-key": key }),
        ...(lastId && { "last-event-id": lastId }),
      },
      signal,
    });
  }

  function take(frames: readonly Frame[]): void {
    heardAt = Date.now();
    const events = frames.flatMap(({ id = null, data }) => {
      lastId = id ?? lastId;
      try {
        const event = JSON.parse(data) as WireEvent;
        run.answer = reduce(run.answer, event);
        return { runId: run.answer.runId, id, event };
      } catch {
        return []; // the last line of a stream, or something that would not get better by asking for it again
      }
    });
    if (isStopped && run.phase === "idle") return abandon();
    if (isClosed || !events.length) return;
    tries = 0;
    const { status } = run.answer;
    run.phase = status === "streaming" || status === "awaiting_input" ? status : "idle";
    changed(events);
  }

  /** Shows the run as stopped, and stops it: a run whose request is still on the way, as soon as that has told its id. */
  function abandon(): void {
    become("idle", { status: "cancelled" });
    if (!run.answer.runId) return wake(true);
    run.close();
    void cancel();
  }

  /** Whether nobody wants to read it any more: asked before each request, because much happens while one waits. */
  function isOver(): boolean {
    return isClosed || run.phase === "idle";
  }

  /** Waits for the time of the next try, where there is one. A run that waits for its user is asked now and then, too. */
  async function untilNext(lost: FrontdeskError): Promise<void> {
    if (isOver()) return;
    if (!lost.recoverable || (!run.answer.runId && (tries + 1 >= TRIES || askedMs(lost) > PATIENCE_MS)))
      return become("idle", { status: "failed", error: lost });
    const begun = Date.now();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, backoff(++tries, retryMs, lost));
      wake = (isForced) => {
        if (!isForced && Date.now() - begun < askedMs(lost)) return;
        clearTimeout(timer);
        resolve();
      };
      // Last, because who hears of it may end the waiting.
      if (run.phase !== "awaiting_input") become("reconnecting");
    });
  }

  /** The network is back, or the page is looked at again. */
  function woken(): void {
    wake();
    leaveIfSilent();
  }

  /** Leaves a connection that brings nothing any more, not even pings: the other side is gone, or the machine slept. */
  function leaveIfSilent(): void {
    if (Date.now() - heardAt > silenceMs) connection.abort();
  }

  function become(phase: Phase, known?: Partial<AnswerView>): void {
    run.phase = phase;
    run.answer = { ...run.answer, ...known };
    changed([]);
  }
}
