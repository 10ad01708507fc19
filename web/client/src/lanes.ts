/** Several models' answers to one message, beside each other. An entry of its own: who asks one model does not load it. */
import { pathOf } from "./conversations";
import { failure, SIGNED_OUT } from "./errors";
import { openHints } from "./hints";
import { Http } from "./http";
import { type LaneEvent, readTurn } from "./merged";
import { tell } from "./page-requests";
import { emptyAnswer, reduce } from "./reduce";
import { regionOf } from "./region";
import type { RunRequest } from "./run";
import { randomId } from "./turn";
import type { AnswerView, Chat, ChatOptions, ChatView, ClientOptions, ErrorView } from "./types";

export interface LaneView {
  /** Its number, from 1 on. */
  readonly lane: number;
  readonly model: string;
  /** As far as it was told: with its text, tools, error and status, as any answer. */
  readonly answer: AnswerView;
}

/** Immutable, as a chat's view is. */
export interface LanesView {
  /** In their order; empty where there is nothing to choose from. */
  readonly lanes: readonly LaneView[];
  /** The message that is on its way; null as soon as the server has taken it. */
  readonly sending: string | null;
  /** The run that was chosen here, until the chat shows it. */
  readonly chosen: string | null;
  readonly phase: "idle" | "sending" | "streaming" | "reconnecting";
  /** Why the lanes are read no further. */
  readonly error: ErrorView | null;
}

/** The lanes of a chat's last turn, as a store. */
export interface Lanes {
  readonly view: LanesView;
  /** Calls the listener after each change; returns the function that ends this. */
  subscribe(listener: (view: LanesView) => void): () => void;
  /**
   * Asks two to four models, each of the assistant's, in the chat's conversation; the chat shows the message, and the answer of the
   * first. Resolves when all have ended. Rejects with a `FrontdeskError` where the server did not take the message.
   */
  ask(text: string, models: readonly string[]): Promise<void>;
  /** Stops the lane of a run, or all of them. */
  stop(runId?: string): Promise<void>;
  /**
   * Makes a lane's answer that of the turn: the chat goes on with it, and has the others as its versions. Those that are still made
   * are stopped. Rejects with a `FrontdeskError`: `superseded` where the conversation has gone on.
   */
  choose(runId: string): Promise<void>;
  /** Ends the reading and all listening; runs go on at the server. */
  close(): void;
}

const NOTHING: LanesView = { lanes: [], sending: null, chosen: null, phase: "idle", error: null };

/**
 * Follows a chat: where its last turn has lanes of which none was chosen, they are shown, also after a reload and in other tabs.
 * `options` are those of the client, `about` those of the chat, read at each message.
 */
export function watchLanes(options: ClientOptions, chat: LanesChat, about: ChatOptions = {}): Lanes {
  return new Store(options, chat, about);
}

/** What it needs of a chat. */
export type LanesChat = Pick<Chat, "view" | "subscribe" | "open">;

class Store implements Lanes {
  view = NOTHING;
  #http: Http;
  #chat: LanesChat;
  #about: ChatOptions;
  #listeners = new Set<(view: LanesView) => void>();
  #hint: (id: string) => void;
  #leave: () => void;
  /** Aborted when what is read is shown no more. */
  #reading = new AbortController();
  #conversationId: string | null;
  /** Of the chat's last turn, as it was looked at. */
  #runId: string | null = null;
  /** From when something is asked until the chat shows it. */
  #isAsking = false;

  constructor({ url, token, fetch }: ClientOptions, chat: LanesChat, about: ChatOptions) {
    this.#http = new Http({ url, ...(token && { token }), ...(fetch && { fetch }) }, () => this.#clear());
    this.#chat = chat;
    this.#about = about;
    this.#conversationId = chat.view.conversationId;
    this.#hint = openHints((id) => id === this.#conversationId && void this.#check());
    this.#http.listeners.add(this.#woken);
    this.#leave = chat.subscribe(this.#follow);
    this.#follow(chat.view);
  }

  subscribe = (listener: (view: LanesView) => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  ask = async (text: string, models: readonly string[]) => {
    const message = text.trim();
    const { assistant, branchId: branch_id, context } = this.#about;
    const { conversationId: conversation_id, messages } = this.#chat.view;
    const said = { message, models, conversation_id, assistant, branch_id, context: context?.() };
    this.#clear();
    this.#conversationId = conversation_id;
    this.#runId = messages.at(-1)?.runId ?? null;
    this.#isAsking = true;
    this.#show({ sending: message, phase: "sending" });
    try {
      await this.#read({ path: "/chat", body: { ...said, ...regionOf(this.#about) }, key: randomId() });
    } catch (error) {
      if (this.view.lanes.length) return; // it was taken, and `view.error` says the rest
      this.#show(NOTHING);
      throw error;
    } finally {
      this.#isAsking = false;
    }
  };

  stop = async (runId?: string) => {
    const made = this.view.lanes.filter(isMade);
    if (made[0]) await this.#http.insist(runId ? `/runs/${runId}/cancel` : `/turns/${made[0].answer.runId}/cancel`);
  };

  choose = async (runId: string) => {
    const id = this.#conversationId!;
    await this.#http.insist(`${pathOf(id)}/choose`, { run_id: runId });
    const { lanes } = this.view;
    const rest = lanes.filter((one) => isMade(one) && one.answer.runId !== runId);
    if (lanes.length) this.#show({ chosen: runId });
    await Promise.all(rest.map(({ answer }) => this.stop(answer.runId!).catch(() => {})));
    this.#hint(id);
    this.#follow(this.#chat.view);
  };

  close = () => {
    this.#leave();
    this.#listeners.clear();
    this.#http.listeners.delete(this.#woken);
    this.#http.signOut();
    this.#http.closed.abort();
  };

  /** Looks whether the chat's last turn is still that of the lanes, and if not, whether it has others. */
  #follow = ({ conversationId, messages, phase }: ChatView) => {
    if (this.#isAsking || phase === "loading") return;
    const runId = messages.at(-1)?.runId ?? null;
    const has = this.view.lanes.some(({ answer }) => answer.runId === runId);
    const isChosen = has && runId === this.view.chosen;
    if (runId === this.#runId && conversationId === this.#conversationId && !isChosen) return;
    if (!has || isChosen) this.#clear();
    this.#conversationId = conversationId;
    this.#runId = runId;
    if (!has && runId) void this.#look(runId);
    // The chat had this answer before, from its stream, which tells of no versions.
    if (isChosen && !messages.at(-1)!.versions.length) void this.#chat.open(conversationId!);
  };

  /** Shows the lanes of a run's turn, if it has any. A hidden page waits with that until it is looked at. */
  async #look(runId: string): Promise<void> {
    if (globalThis.document?.hidden) return void (this.#runId = null);
    try {
      const { lane } = await this.#http.read<{ lane?: number }>(`/runs/${runId}`);
      if (!lane || (await this.#turn(runId)).chosen || this.#runId !== runId) return;
      await this.#read({ path: `/turns/${runId}/events` });
    } catch {
      // It is shown as any other turn.
    }
  }

  #turn(runId: string): Promise<{ chosen: string | null }> {
    return this.#http.read(`/turns/${runId}`);
  }

  /** Looks whether somebody has chosen meanwhile. */
  async #check(): Promise<void> {
    const runId = this.view.lanes[0]?.answer.runId;
    if (!runId || this.view.chosen || globalThis.document?.hidden) return;
    const chosen = await this.#turn(runId).then(
      (turn) => turn.chosen,
      () => null,
    );
    if (!chosen || this.view.lanes[0]?.answer.runId !== runId) return;
    this.#show({ chosen });
    this.#follow(this.#chat.view);
  }

  #woken = (told: string) => {
    if (told === "offline") return;
    this.#follow(this.#chat.view);
    void this.#check();
  };

  async #read(from: RunRequest): Promise<void> {
    const { signal } = (this.#reading = new AbortController());
    const lost = () => this.view.phase !== "sending" && this.#show({ phase: "reconnecting" });
    try {
      await readTurn(this.#http, from, signal, (told) => this.#take(told), lost);
      if (signal.aborted) return;
      this.#show({ phase: "idle" });
      this.#hint(this.#conversationId!); // which one is the answer without a choice may have become another one
    } catch (error) {
      if (signal.aborted) return;
      if (failure(error).code !== SIGNED_OUT) this.#show({ phase: "idle", error: failure(error) });
      throw error;
    }
  }

  #take(told: readonly LaneEvent[]): void {
    const wasSending = this.view.sending !== null;
    const lanes = new Map(this.view.lanes.map((one) => [one.lane, one]));
    for (const { lane, model, event } of told) {
      const before = lanes.get(lane)?.answer ?? emptyAnswer;
      const answer = reduce(before, event);
      lanes.set(lane, { lane, model, answer });
      const { authRequiredUntil, runId } = answer;
      if (authRequiredUntil && authRequiredUntil !== before.authRequiredUntil)
        void this.#http.insist(`/runs/${runId}/credential`).catch(() => {});
    }
    const inOrder = [...lanes.values()].sort((one, other) => one.lane - other.lane);
    this.#show({ lanes: inOrder, sending: null, phase: "streaming", error: null });
    if (wasSending) void this.#taken(inOrder[0]!.answer.conversationId!);
  }

  /** The server has the message: the chat is told where it stands, and so are other tabs. */
  async #taken(id: string): Promise<void> {
    const isNew = this.#conversationId === null;
    const isLeft = this.#chat.view.conversationId !== this.#conversationId;
    this.#conversationId = id;
    if (isNew && !isLeft) await this.#chat.open(id);
    this.#hint(id);
    this.#isAsking = false;
    this.#follow(this.#chat.view);
  }

  #clear(): void {
    this.#reading.abort();
    this.#runId = null;
    if (this.view !== NOTHING) this.#show(NOTHING);
  }

  #show(changed: Partial<LanesView>): void {
    this.view = changed === NOTHING ? NOTHING : { ...this.view, ...changed };
    tell(this.#listeners, this.view);
  }
}

/** Whether a lane is still at work. */
export function isMade({ answer }: LaneView): boolean {
  return !["completed", "failed", "cancelled"].includes(answer.status);
}
