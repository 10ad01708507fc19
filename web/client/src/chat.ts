/** A conversation as a store: turns, shown as one immutable view. */
import { type Change, pathOf, readExchanges } from "./conversations";
import { openPageRequests, tell } from "./page-requests";
import { failure, SIGNED_OUT } from "./errors";
import type { Http } from "./http";
import type { Claim } from "./claim";
import { openRun, type Run } from "./run";
import { answerOf, messagesOf, newMessage, newUserMessage, randomId, type Turn } from "./turn";
import type { ActionView, Chat, ChatOptions, ChatView, ErrorView, MessageView, ReceivedEvent } from "./types";

const RECENT_MS = 60_000;

export function openChat(http: Http, claim: Claim, changes: Set<(change: Change) => void>, options: ChatOptions): Chat {
  const subscribers = new Set<(view: ChatView) => void>();
  const actors = new Set<(action: ActionView) => void>();
  const watchers = new Set<(event: ReceivedEvent) => void>();
  let turns: readonly Turn[] = [];
  let conversationId = options.conversationId ?? null;
  let title: string | null = null;
  let error: ErrorView | null = null;
  /** What `open` does; what is sent meanwhile waits for it. */
  let loading: Promise<void> | null = null;
  /** The last message that was sent: until a new conversation has an id, the next one waits for it. */
  let sending = Promise.resolve();
  /** Looks for the active run of a conversation that was opened. */
  let finder: Run | undefined;

  const chat: Chat & { view: ChatView } = {
    view: look(),
    actions: options.actions ?? {},
    tools: options.tools ?? {},
    subscribe: adder(subscribers),
    onAction: adder(actors),
    onEvent: adder(watchers),
    async send(text) {
      const message = text.trim();
      if (!message) return;
      const isFor = conversationId;
      if (loading) await loading;
      if (conversationId !== isFor) return; // it was written for another one
      const about = { branch_id: options.branchId, model: options.model, context: options.context?.() };
      const turn = add(newUserMessage(message));
      const post = async () => {
        if (!turns.includes(turn)) return;
        await start(turn, "/chat", { message, conversation_id: conversationId, ...about });
      };
      await (sending = conversationId ? post() : sending.then(post));
    },
    async stop() {
      await Promise.all(turns.map(({ run }) => run?.stop()));
    },
    async retry() {
      const last = turns.at(-1);
      if (!last) await (conversationId && chat.open(conversationId));
      else if (last.run && !last.run.answer.usage) await follow(last);
      else await replace(last);
    },
    async regenerate(messageId) {
      await replace(messageId ? turns.find((turn) => answerOf(turn)?.id === messageId) : turns.at(-1));
    },
    async edit(messageId, text) {
      const turn = turns.find(({ user }) => user?.id === messageId);
      if (text.trim()) await replace(turn, text.trim());
    },
    async open(id) {
      leave(id);
      loading = load(id);
      publish();
      await loading;
    },
    startNew() {
      leave(null);
      publish();
    },
    async decide(toolCallId, { approve, reason }) {
      const isAsked = ({ run }: Turn) => run?.answer.approvals.some((one) => one.toolCallId === toolCallId);
      const run = turns.find(isAsked)?.run;
      await run?.tell("decisions", { tool_call_id: toolCallId, approve, reason }).then(run.resume, fail);
    },
    signOut: http.signOut,
    close() {
      leave(null);
      changes.delete(change);
      http.listeners.delete(publish);
    },
  };
  const attend = openPageRequests(claim, chat, actors, fail);
  changes.add(change);
  http.listeners.add(publish);
  return chat;

  /** Leaves the conversation that is shown for another one, or for none. Its runs go on. */
  function leave(id: string | null): void {
    finder?.close();
    for (const { run } of turns) run?.close();
    turns = [];
    conversationId = id;
    title = error = loading = null;
    sending = Promise.resolve(); // what is sent there may never be
  }

  async function load(id: string): Promise<void> {
    const empty = turns;
    try {
      const [conversation, exchanges] = await Promise.all([
        http.read<{ title: string }>(pathOf(id)),
        readExchanges(http, id),
      ]);
      if (turns !== empty) return; // left in the meantime
      title = conversation.title;
      turns = exchanges;
      void find(id);
    } catch (thrown) {
      if (turns !== empty) return;
      error = failure(thrown);
    }
    loading = null;
    publish();
  }

  /** Goes on with the answers that are being made, in their order. Those that are whole, but new, may want something done. */
  async function find(id: string): Promise<void> {
    while (await attach(`${pathOf(id)}/stream`));
    for (const turn of turns) {
      const isRecent = Date.now() - Date.parse((turn.answer ?? turn.user)?.createdAt!) < RECENT_MS;
      if (isRecent && !turn.run && turns.includes(turn)) await attach(`/runs/${turn.user?.runId}/events`);
    }
  }

  /** Reads a run that was not sent from here, and says whether it came to its end and is shown. */
  async function attach(path: string): Promise<unknown> {
    const found = (finder = openRun(http, { path }, newMessage({}), (events) => {
      const turn = turns.find((one) => one.user?.runId === found.answer.runId);
      // Not known yet; or sent from elsewhere since the messages were read, or from here, and then it is read already.
      if (!turn || (turn.run ?? found) !== found) return;
      found.answer = { ...found.answer, versions: turn.answer?.versions ?? [] };
      turn.run = found;
      changed(turn, events);
    }));
    await found.follow();
    return found.answer.usage && turns.some(({ run }) => run === found);
  }

  async function start(turn: Turn, path: string, body: object, before?: MessageView | null): Promise<void> {
    const request = { path, body, key: randomId() };
    turn.run = openRun(http, request, newMessage({}, before), (events) => changed(turn, events));
    await follow(turn);
  }

  async function follow(turn: Turn): Promise<void> {
    const followed = turn.run?.follow();
    error = null;
    changed(turn, []);
    await followed;
  }

  /** Puts another turn in the place of one and of all that came after it: the same message, or another one. */
  async function replace(turn: Turn | undefined, message?: string): Promise<void> {
    if (!turn) return;
    await chat.stop();
    if (!turns.includes(turn)) return; // left in the meantime
    const { user } = turn;
    const answer = answerOf(turn);
    turns = turns.slice(0, turns.indexOf(turn));
    if (!user?.runId && message) return chat.send(message); // the server never had it
    const next = add(message ? newUserMessage(message, user) : user);
    const path = `${pathOf(conversationId!)}/${message ? "edit" : "regenerate"}`;
    await start(next, path, { message_id: answer?.id ?? user?.id, message }, message ? null : answer);
  }

  function changed(turn: Turn, events: readonly ReceivedEvent[]): void {
    const { run, user } = turn;
    if (!run || !turns.includes(turn)) return;
    const { status, ...told } = run.answer;
    conversationId ??= told.conversationId ?? null;
    title = told.title ?? title;
    const runId = told.runId ?? user?.runId ?? null;
    const sent = runId ? "completed" : status === "streaming" ? "sending" : status;
    if (user && user.status !== sent) turn.user = { ...user, runId, status: sent };
    attend(run);
    for (const event of events) tell(watchers, event);
    publish();
  }

  function change({ id, title: renamed, feedback }: Change): void {
    if (!id || id === conversationId) {
      if (renamed) title = renamed;
      else leave(null);
    }
    const rated = turns.flatMap((turn) => [turn, turn.run]).find((one) => one?.answer?.id === id);
    if (rated?.answer && feedback) rated.answer = { ...rated.answer, feedback };
    publish();
  }

  function fail(thrown: unknown): void {
    if (failure(thrown).code === SIGNED_OUT) return;
    error = failure(thrown);
    publish();
  }

  function add(user: MessageView | null): Turn {
    const turn: Turn = { user, answer: null };
    turns = [...turns, turn];
    return turn;
  }

  function publish(): void {
    chat.view = look();
    tell(subscribers, chat.view);
  }

  function look(): ChatView {
    const last = turns.at(-1)?.run?.answer;
    const busy = turns.find(({ run }) => run && run.phase !== "idle")?.run;
    return {
      conversationId,
      title,
      messages: messagesOf(turns),
      phase: loading ? "loading" : (busy?.phase ?? "idle"),
      suggestions: last?.suggestions ?? [],
      error: error ?? last?.error ?? null,
      connection: http.connection,
    };
  }
}

function adder<Item>(items: Set<Item>): (item: Item) => () => void {
  return (item) => {
    items.add(item);
    return () => items.delete(item);
  };
}
