/** A conversation as a store: what a page can do with it, shown as one immutable view. */
import type { Claim } from "./claim";
import { type Change, pathOf, readMessages } from "./conversations";
import { failure, type FrontdeskError, SIGNED_OUT } from "./errors";
import type { Http } from "./http";
import { openPageRequests, tell } from "./page-requests";
import { goOn } from "./reattach";
import { regionOf } from "./region";
import { Run } from "./run";
import { Thread } from "./thread";
import { newUserMessage, randomId, type Turn } from "./turn";
import type {
  ActionHandlers,
  ActionView,
  Chat,
  ChatOptions,
  ChatView,
  Decision,
  FileView,
  MessageView,
  PageTools,
  ReceivedEvent,
} from "./types";
import type { HistoryShortened } from "./wire";

/** Its calls are properties, because pages take them out of it. */
export class ChatStore implements Chat {
  declare view: ChatView;
  declare actions: ActionHandlers;
  declare tools: PageTools;
  declare signOut: () => void;
  #http;
  #changes;
  #tell;
  #options;
  #thread: Thread;
  #attend;
  #subscribers = new Set<(view: ChatView) => void>();
  #actors = new Set<(action: ActionView) => void>();
  #watchers = new Set<(event: ReceivedEvent) => void>();
  subscribe = adder(this.#subscribers);
  onAction = adder(this.#actors);
  onEvent = adder(this.#watchers);

  constructor(
    http: Http,
    claim: Claim,
    changes: Set<(change: Change) => void>,
    tell: (change: Change) => void,
    options: ChatOptions,
  ) {
    this.#http = http;
    this.#changes = changes;
    this.#tell = tell;
    this.#options = options;
    this.actions = options.actions ?? {};
    this.tools = options.tools ?? {};
    this.signOut = http.signOut;
    this.#thread = new Thread(options.conversationId ?? null);
    this.#attend = openPageRequests(claim, this, this.#actors, this.#fail);
    changes.add(this.#change);
    http.listeners.add(this.#woken);
    this.#publish();
  }

  send = async (text: string, { files = [] }: { files?: readonly FileView[] } = {}) => {
    const message = text.trim();
    if (!message) return;
    const isFor = this.#thread.id;
    while (this.#thread.loading) await this.#thread.loading;
    const thread = this.#thread;
    if (thread.id !== isFor) return; // it was written for another one
    const { assistant, branchId, model } = this.#options;
    const about = {
      assistant,
      branch_id: branchId,
      model,
      context: this.#asked("context"),
      client_tools: this.#asked("clientTools"),
    };
    const turn = thread.add(newUserMessage(message, null, files));
    const post = () =>
      this.#start(turn, "/chat", {
        message,
        conversation_id: thread.id,
        files: files[0] && files.map(({ id }) => id),
        ...about,
      });
    await (thread.sending = thread.id ? post() : thread.sending.then(post));
  };

  stop = async () => {
    await Promise.all(this.#thread.turns.map((turn) => turn.run?.stop()));
  };

  retry = async () => {
    const thread = this.#thread;
    const last = thread.turns.at(-1);
    if (!last) await (thread.id && this.open(thread.id));
    else if (last.run && !last.run.answer.usage) await this.#follow(last);
    else await this.#replace(last);
  };

  regenerate = async (messageId?: string) => {
    const turns = this.#thread.turns;
    await this.#replace(messageId ? turns.find(({ answer }) => answer?.id === messageId) : turns.at(-1));
  };

  edit = async (messageId: string, text: string) => {
    const message = text.trim();
    if (message)
      await this.#replace(
        this.#thread.turns.find(({ user }) => user?.id === messageId),
        message,
      );
  };

  open = async (id: string) => {
    this.#leave(id);
    this.#thread.loading = this.#sync();
    this.#publish();
    await this.#thread.loading;
  };

  startNew = () => {
    this.#leave(null);
    this.#publish();
  };

  decide = async (toolCallId: string, decision: Decision) => {
    const run = this.#thread.turns.find(({ answer }) =>
      answer?.approvals.some((one) => one.toolCallId === toolCallId),
    )?.run;
    // Said twice, or in another tab: it came to what was wanted. With which arguments, nobody says.
    await run
      ?.tell("decisions", { tool_call_id: toolCallId, ...decision })
      .catch(
        (error) =>
          (!decision.arguments && error.outcome === (decision.approve ? "approved" : "denied")) || this.#fail(error),
      );
  };

  close = () => {
    this.#leave(null);
    this.#changes.delete(this.#change);
    this.#http.listeners.delete(this.#woken);
  };

  /** Returns what the page says of itself; without what it throws, or what is no JSON, a message is sent all the same. */
  #asked(what: "context" | "clientTools"): unknown {
    try {
      const said = this.#options[what]?.();
      JSON.stringify(said);
      return said;
    } catch (error) {
      console.error(error);
    }
  }

  /** Leaves the conversation that is shown for another one, or for none. Its runs go on. */
  #leave(id: string | null): void {
    this.#thread.close();
    this.#thread = new Thread(id);
  }

  /**
   * Brings what is shown up to date. Overtaken by another reading, or by what is said here, it reads on from there: what it
   * was told may be older than what is shown by now, or newer.
   */
  #sync = async (): Promise<void> => {
    const thread = this.#thread;
    const { id, version, turns } = thread;
    if (!id) return;
    try {
      const news = await readMessages(this.#http, id, version);
      if (this.#thread !== thread) return;
      if (thread.version !== version || thread.turns !== turns) return this.#sync();
      if (thread.merge(news)) void goOn(this.#http, thread, this.#changed, this.#sync);
    } catch (thrown) {
      const error = failure(thrown);
      if (thread.loading || error.code === "not_found") thread.error = error;
    }
    thread.loading = null;
    this.#publish();
  };

  /** Does so when somebody looks. A hidden page waits for that: it would only keep connections from those that are seen. */
  #look = () => {
    if (!globalThis.document?.hidden) void this.#sync();
  };

  async #start(turn: Turn, path: string, body: object, before?: MessageView | null): Promise<void> {
    if (!this.#thread.turns.includes(turn)) return;
    const request = { path, body: { ...body, ...regionOf(this.#options) }, key: randomId() };
    turn.run = new Run(this.#http, request, (events) => this.#changed(turn, events), before);
    await this.#follow(turn);
  }

  async #follow(turn: Turn): Promise<void> {
    this.#thread.error = null;
    const followed = turn.run?.follow();
    this.#changed(turn, []);
    await followed;
    // Refused, given up, or superseded elsewhere: what is shown may not be what there is.
    void this.#sync();
  }

  /** Puts another turn in the place of one and of all that came after it: the same message, or another one. */
  async #replace(turn: Turn | undefined, message?: string): Promise<void> {
    if (!turn) return;
    await this.stop();
    const thread = this.#thread;
    if (!thread.turns.includes(turn)) return; // left in the meantime
    const { user, answer } = turn;
    thread.cut(turn);
    if (!turn.runId && message) return this.send(message, user!); // the server never had it
    const next = thread.add(message ? newUserMessage(message, user) : user);
    const path = `${pathOf(thread.id!)}/${message ? "edit" : "regenerate"}`;
    await this.#start(next, path, { message_id: answer?.id ?? user?.id, message }, message ? null : answer);
  }

  #changed = (turn: Turn, events: readonly ReceivedEvent[]) => {
    const run = turn.run;
    if (!run || !this.#thread.turns.includes(turn)) return;
    // Now the server knows its place among what was said elsewhere.
    if (this.#thread.learn(turn, run.answer)) this.#tell({ id: this.#thread.id!, stale: true });
    this.#attend(run);
    for (const event of events) {
      const { history } = event.event as Partial<HistoryShortened>;
      // Turns that are left out in no form have no line.
      if (history) this.#thread.summary = history.until ? { until: history.until } : null;
      tell(this.#watchers, event);
    }
    this.#publish();
  };

  /** Shows what became of a conversation or a message elsewhere on the page. */
  #change = ({ id, title, feedback, stale }: Change) => {
    if (!id || id === this.#thread.id) {
      if (stale) return this.#look();
      if (title) this.#thread.title = title;
      else this.#leave(null);
    }
    this.#thread.rate(id, feedback);
    this.#publish();
  };

  #fail = (error: FrontdeskError) => {
    if (error.code === SIGNED_OUT) return;
    this.#thread.error = error;
    this.#publish();
  };

  /** The page is looked at, or the server is reached again, or not any more: then there is nothing to read. */
  #woken = (told: string) => {
    this.#publish();
    if (told !== "offline") this.#look();
  };

  #publish = () => {
    this.view = this.#thread.look(this.#http.connection);
    tell(this.#subscribers, this.view);
  };
}

function adder<Item>(items: Set<Item>): (item: Item) => () => void {
  return (item) => {
    items.add(item);
    return () => items.delete(item);
  };
}
