/** Follows one run to its end, through whatever happens to the connection. */
import { failure, type FrontdeskError, refusal } from "./errors";
import { type Http, json } from "./http";
import { reduce } from "./reduce";
import { type Frame, readFrames } from "./stream";
import { backoff, firstRetryMs, silenceMs, TRIES } from "./timing";
import { newMessage } from "./turn";
import type { AnswerView, MessageView, Phase, ReceivedEvent } from "./types";
import type { WireEvent } from "./wire";

/** What starts a run: posted again with the same key it is the same run. Without a key it asks for one that there is. */
export interface RunRequest {
  readonly path: string;
  readonly body?: unknown;
  readonly key?: string;
}

/** What the server wants later than this is not waited for. */
const PATIENCE_S = 60;

export class Run {
  declare answer: AnswerView;
  /** `idle` when it is over, or when nobody reads it any more; then its answer has no `usage`. */
  phase: Phase = "sending";
  /** Ids of what it asked the page for, and was looked at. */
  readonly seen = new Set<string>();
  /** Aborted when its user is gone. */
  declare readonly user: AbortSignal;
  #http;
  #from;
  #changed;
  #connection = new AbortController();
  #heardAt = 0;
  #lastId = "";
  #retryMs = firstRetryMs;
  /** How often nothing came, one after the other. */
  #tries = 0;
  #isStopped = false;
  #isClosed = false;
  /** Resolves when nobody reads it any more. */
  #followed = Promise.resolve();
  /** Ends the wait for the next try. */
  #wake = () => {};
  /** When the server wants to be asked again at the earliest. */
  #notBefore = 0;

  /** `changed` is called when anything is different, with the events that made it so. Its answer takes the place of the one `before`. */
  constructor(
    http: Http,
    from: RunRequest,
    changed: (events: readonly ReceivedEvent[]) => void,
    before?: MessageView | null,
  ) {
    this.#http = http;
    this.#from = from;
    this.#changed = changed;
    this.user = http.user.signal;
    this.answer = newMessage({}, before);
  }

  /** Reads to the run's end, or until there is no hope. Called again, it goes on where it was. */
  follow(): Promise<void> {
    this.#isClosed = false; // now: what closes it before the reading begins is not to be undone
    return (this.#followed = this.#followed.then(() => this.#readOn()));
  }

  /** Stops the run. Without a connection it looks stopped at once, and the server is told as soon as it can be. */
  async stop(): Promise<void> {
    if (this.phase === "idle") return;
    this.#isStopped = true;
    if (this.answer.runId && this.phase !== "reconnecting" && (await this.#cancel(TRIES))) return this.#followed;
    this.#abandon();
  }

  /** Comes back at once: its user gave what it waited for. */
  resume = () => {
    this.#tries = 0;
    this.#wake();
  };

  /** Tells the server something about the run, for its user only, and comes back at once for what follows. */
  async tell(what: string, body?: unknown, tries?: number): Promise<unknown> {
    this.user.throwIfAborted();
    return this.#http.insist(`/runs/${this.answer.runId}/${what}`, body, tries).finally(this.resume);
  }

  /** Ends the reading. The run goes on. */
  close(): void {
    this.#isClosed = true;
    this.#connection.abort();
    this.#wake();
  }

  #cancel(tries?: number): Promise<unknown> {
    return this.tell("cancel", undefined, tries).catch(() => null);
  }

  async #readOn(): Promise<void> {
    const listeners = this.#http.listeners;
    this.#isStopped = false;
    this.#tries = 0;
    if (this.phase === "idle") this.#become("reconnecting", { status: "streaming", error: null });
    listeners.add(this.#woken);
    const watch = setInterval(this.#leaveIfSilent, silenceMs / 8);
    while (!this.#isOver()) await this.#untilNext(await this.#read());
    clearInterval(watch);
    listeners.delete(this.#woken);
  }

  /** Reads one connection to its end, and returns why it ended. */
  #read(): Promise<FrontdeskError> {
    this.#connection = new AbortController();
    this.#heardAt = Date.now();
    return this.#ask().then(this.#takeAll).then(failure, failure);
  }

  #ask(): Promise<Response> {
    const runId = this.answer.runId;
    const { path, body, key }: RunRequest = runId ? { path: `/runs/${runId}/events` } : this.#from;
    return this.#http.request(key ? "POST" : "GET", path, {
      body,
      headers: {
        accept: "text/event-stream",
        ...(key && { "idempotency-key": key }),
        ...(this.#lastId && { "last-event-id": this.#lastId }),
      },
      signal: this.#connection.signal,
    });
  }

  #takeAll = async (response: Response): Promise<void> => {
    if (response.status === 204) return this.close(); // no run is active
    if (/event-stream/.test(response.headers.get("content-type")!))
      return readFrames(response.body!, this.#take, (ms) => (this.#retryMs = ms));
    const body = await json(response);
    if (!("response" in body)) throw refusal(response, body);
    this.#take([{ data: JSON.stringify(body) }]);
  };

  #take = (frames: readonly Frame[]) => {
    this.#heardAt = Date.now();
    const events = frames.flatMap(this.#fold);
    if (this.#isStopped && this.phase === "idle") return this.#abandon();
    if (!events.length || this.#isClosed) return;
    this.#tries = 0;
    const status = this.answer.status;
    this.phase = /streaming|awaiting/.test(status) ? (status as Phase) : "idle";
    this.#changed(events);
  };

  #fold = ({ id, data }: Frame): ReceivedEvent[] => {
    if (id) this.#lastId = id;
    try {
      const event = JSON.parse(data) as WireEvent;
      this.answer = reduce(this.answer, event);
      return [{ id: id ?? null, runId: this.answer.runId, event }];
    } catch {
      return []; // the last line of a stream, or something that would not get better by asking for it again
    }
  };

  /** Shows the run as stopped, and stops it: a run whose request is still on the way, as soon as that has told its id. */
  #abandon(): void {
    this.#become("idle", { status: "cancelled" });
    this.#wake();
    if (!this.answer.runId) return;
    this.close();
    void this.#cancel();
  }

  /** Whether nobody wants to read it any more: asked before each request, because much happens while one waits. */
  #isOver(): boolean {
    return this.#isClosed || this.phase === "idle";
  }

  /**
   * Waits for the time of the next try, where there is one: a run that has begun is never given up, but whether a message
   * arrived its sender wants to know soon. What waits for its user is asked now and then, too, and whether something is being answered.
   */
  async #untilNext(lost: FrontdeskError): Promise<void> {
    if (this.#isOver()) return;
    const tries = ++this.#tries;
    const isHasty = this.#from.key && !this.answer.runId && (tries >= TRIES || lost.retryAfterS! > PATIENCE_S);
    if (isHasty || !lost.recoverable) return this.#become("idle", { status: "failed", error: lost });
    this.#notBefore = Date.now() + lost.retryAfterS! * 1000;
    await new Promise<void>((resolve) => {
      setTimeout((this.#wake = resolve), backoff(tries, this.#retryMs, lost));
      // Only then, because who hears of it may end the waiting.
      if (this.phase !== "awaiting_input") this.#become("reconnecting");
    });
  }

  /** The network is back, or the page is looked at again. Where it is gone no try is made sooner for that. */
  #woken = (told: string) => {
    if (Date.now() >= this.#notBefore && told !== "offline") this.#wake();
    this.#leaveIfSilent();
  };

  /** Leaves a connection that brings nothing any more, not even pings: the other side is gone, or the machine slept. */
  #leaveIfSilent = () => {
    if (Date.now() - this.#heardAt > silenceMs) this.#connection.abort();
  };

  /** `told` is what nobody but the client tells of the answer. */
  #become(phase: Phase, told: Partial<AnswerView> = {}): void {
    this.phase = phase;
    this.answer = reduce(this.answer, told as WireEvent);
    this.#changed([]);
  }
}
