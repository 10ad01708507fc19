/** What a page sees of Frontdesk. Everything here is immutable: a change is a new object, so `===` tells whether to draw. */
import type { RunEnded, SourceCited, ToolCallChanged, WireEvent } from "./wire";

/** As the server tells it; `cancelled` is a call whose run ended before it. */
export type ToolCallStatus = ToolCallChanged["tool_call"]["status"] | "cancelled";
/** Tokens as the provider counted them. */
export type Usage = RunEnded["usage"];

export interface ClientOptions {
  /** Where Frontdesk is: `https://assistant.example.com`, or a path of the page's own host such as `/assistant`. */
  url: string;
  /** Returns the user's bearer token. Asked for each request, and again after a 401 or when a run needs a fresh one. */
  token?: () => string | Promise<string>;
  /** Used instead of the global `fetch`. */
  fetch?: typeof globalThis.fetch;
  /** Called when the token is suddenly somebody else's, or nobody's: after all chats are empty, before anything is sent. */
  onUserChange?: () => void;
  /** Remembers which actions were done; the browser's `localStorage` unless something else is given. */
  storage?: ClientStorage;
}

/** The part of `Storage` that the client needs. */
export interface ClientStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export interface Client {
  /** Describes the assistant: what to show before the first message. */
  assistant(id?: string): Promise<Assistant>;
  readonly conversations: Conversations;
  /** Rates an answer; a second rating replaces the first. Open chats show it. */
  feedback(messageId: string, feedback: Feedback): Promise<void>;
  /**
   * Returns follow-up questions to a complete answer, made now where it has none yet: where the assistant offers them
   * `on_demand`.
   */
  suggestions(messageId: string): Promise<readonly string[]>;
  /** Makes a conversation's view. Nothing is sent before `send` or `open`. */
  chat(options?: ChatOptions): Chat;
  /**
   * Asks for the token and returns what sets its user apart from others, to be compared and nothing else; "" is nobody.
   * Where it is somebody else than before, the client signs that one out and this rejects with `signed_out`.
   */
  user(): Promise<string>;
  /**
   * Forgets the user at once. All chats are empty; requests, streams and tries that were still to come end with the code
   * `signed_out`; no action or page-side tool of theirs is done any more. What comes next is for whom the token names then.
   */
  signOut(): void;
  /** Ends the listening to the page, for a client that is given up; its chats are closed one by one. */
  close(): void;
}

export interface Assistant {
  /** Where there are several: this one's id, and the ids of all that the user may have. */
  readonly id?: string;
  readonly assistants?: readonly string[];
  readonly name: string;
  readonly greeting: string;
  readonly starters: readonly string[];
  readonly models: readonly string[];
  readonly actions: Readonly<
    Record<string, { readonly description: string; readonly values: Readonly<Record<string, string>> }>
  >;
  readonly suggestions: boolean;
  /** Whether the user may answer what others asked for: `@frontdesk/client/approvals` lists it. */
  readonly approves?: boolean;
  /** Who reads answers out, and who writes down what is said, where that is on: `@frontdesk/client/voice` does both. */
  readonly voice?: { readonly speech?: "browser" | "server"; readonly dictation?: "browser" | "server" };
  /** Whether it remembers facts about the user: `@frontdesk/client/memories` lists, changes and erases them. */
  readonly memory?: boolean;
  /** What may be sent with a message; missing or null where nothing may. */
  readonly files?: AcceptedFiles | null;
  /** With each answer, or when they are asked for with `suggestions`. */
  readonly suggestionsWhen?: "after" | "on_demand";
  readonly limits: {
    readonly messageCharacters: number;
    readonly contextBytes: number;
    /** How many models may be asked side by side: `@frontdesk/client/lanes`. */
    readonly lanes?: number;
  };
}

/** Which files an assistant takes. */
export interface AcceptedFiles {
  /** Endings of names, `.pdf`; the server goes by what is in a file. */
  readonly types: readonly string[];
  readonly max_bytes: number;
  readonly max_per_message: number;
}

/** The user's conversations. Every call rejects with a `FrontdeskError`. */
export interface Conversations {
  /** Newest first; `q` searches titles and messages. */
  list(options?: { limit?: number; cursor?: string; q?: string }): Promise<Page<ConversationView>>;
  get(conversationId: string): Promise<ConversationView>;
  /** Oldest first, one message an answer: its steps are joined as the stream had shown them. */
  messages(conversationId: string): Promise<readonly MessageView[]>;
  /** Open chats show the new title. */
  rename(conversationId: string, title: string): Promise<ConversationView>;
  /** A chat that shows it starts anew. */
  delete(conversationId: string): Promise<void>;
  /** Returns the conversation as a file. */
  export(conversationId: string): Promise<Blob>;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** For the next page; null on the last one. */
  readonly nextCursor: string | null;
}

export interface ConversationView {
  readonly id: string;
  readonly title: string;
  /** ISO 8601, UTC, as all times here. */
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface Feedback {
  rating: "up" | "down";
  comment?: string;
}

export interface ChatOptions {
  /** The conversation that `send` goes on with, without loading it. `open` loads one. */
  conversationId?: string;
  /** Handed to the backend with every tool call; without it the user's own branch counts. */
  branchId?: number | string | undefined;
  /** The id of the assistant to ask, where there are several; without it the conversation's, or the default. */
  assistant?: string | undefined;
  /** One of the assistant's models. */
  model?: string;
  /** Whose day is today, of the IANA database, and a BCP 47 tag; the browser's unless the page says others. */
  timeZone?: string | undefined;
  locale?: string | undefined;
  /** About the page, at most 8 KiB of JSON, asked at each message; the model gets it as data. */
  context?: () => Record<string, unknown> | undefined;
  /** Describes page-side tools, at most 16, asked at each message; what the assistant's file does not allow is left out. */
  clientTools?: () => readonly ClientTool[] | undefined;
  /** Does actions by type. Set `chat.actions` to change it. */
  actions?: ActionHandlers;
  /** Page-side tools by name. Set `chat.tools` to change it. */
  tools?: PageTools;
}

/** Where the assistant's file says that an action expects a result, that is what its handler returns or throws. */
export type ActionHandlers = Readonly<Record<string, (value: string, action: ActionView) => unknown>>;
/** What a tool returns (JSON) is its result; what it throws is told to the model. */
export type PageTools = Readonly<Record<string, (args: Record<string, unknown>) => unknown>>;
/** A page-side tool of which the assistant's file has only the name, or a pattern of it. */
export interface ClientTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of its arguments, an object. */
  readonly schema?: object;
}

/**
 * A conversation as a store. Calls that ask the server resolve when the answer has ended, however it did, and never
 * reject: what went wrong is in `view.error`.
 */
export interface Chat {
  readonly view: ChatView;
  actions: ActionHandlers;
  tools: PageTools;
  /** Calls the listener after each change; returns the function that ends this. */
  subscribe(listener: (view: ChatView) => void): () => void;
  /**
   * Calls the listener once for each action: once in all tabs of a browser, and never again after a reload. One that expects a
   * result has one who does it: its handler or, where there is none, who listened first.
   */
  onAction(listener: (action: ActionView) => unknown): () => void;
  /** Calls the listener with each event as it came, for those who want to look. */
  onEvent(listener: (event: ReceivedEvent) => void): () => void;
  /** With files that were uploaded before: `@frontdesk/client/files`. */
  send(text: string, options?: { files?: readonly FileView[] }): Promise<void>;
  /** Stops what is being answered; what was said is kept. */
  stop(): Promise<void>;
  /** Does again what failed: a message that did not arrive is sent once more, a failed answer is made anew. */
  retry(): Promise<void>;
  /** Makes an answer anew, the last one if none is named; it and what came after are superseded. */
  regenerate(messageId?: string): Promise<void>;
  /** Puts another text in the place of a user's message and answers that; what came after is superseded. */
  edit(messageId: string, text: string): Promise<void>;
  /** Shows a conversation, and goes on with the answers that are being made in it. Resolves when its messages are shown. */
  open(conversationId: string): Promise<void>;
  /** Shows an empty conversation. An answer that is being made goes on without a reader. */
  startNew(): void;
  /** Answers an approval. Resolves when the server has taken it; the run then goes on by itself. */
  decide(toolCallId: string, decision: Decision): Promise<void>;
  /** The client's `signOut`: it empties all its chats. */
  signOut(): void;
  /** Ends the reading and all listening; runs go on at the server. */
  close(): void;
}

export interface Decision {
  approve: boolean;
  /** Told to the model. */
  reason?: string;
  /** With a yes: what takes the place of the arguments that were shown. It comes with the `hash` of the approval. */
  arguments?: Readonly<Record<string, unknown>>;
  hash?: string;
  /** With a yes, where the approval says `mayAlways`: to all later calls of this tool in the conversation, too. */
  always?: boolean;
}

export interface ReceivedEvent {
  readonly runId: string | null;
  /** Opaque; null in an answer that came as JSON. */
  readonly id: string | null;
  readonly event: WireEvent;
}

export interface ChatView {
  /** Null until the first message was accepted. */
  readonly conversationId: string | null;
  readonly title: string | null;
  /** What models read in place of the messages up to `until`; null where they read all. */
  readonly summary?: { readonly until: string } | null | undefined;
  readonly messages: readonly MessageView[];
  readonly phase: Phase;
  /** Follow-up questions of the last answer. */
  readonly suggestions: readonly string[];
  /** What went wrong last; null again as soon as something is tried. */
  readonly error: ErrorView | null;
  /** `offline` when the browser says so or the server cannot be reached. */
  readonly connection: "online" | "offline";
}

/**
 * - `idle`: nothing goes on
 * - `loading`: `open` reads the messages
 * - `sending`: a message is on its way, or waits for its first event
 * - `streaming`: the answer comes
 * - `reconnecting`: the connection was lost; the answer goes on at the server and the client comes back by itself
 * - `awaiting_input`: the run waits for a decision or for a page-side tool
 */
export type Phase = "idle" | "loading" | "sending" | "streaming" | "reconnecting" | "awaiting_input";

/**
 * `sending` is a user's message that the server has not taken yet, `failed` one that it never took or an answer that
 * failed; `partial` is an answer that was stored before it was whole.
 */
export type MessageStatus =
  "sending" | "streaming" | "awaiting_input" | "completed" | "failed" | "cancelled" | "partial";

export interface MessageView {
  /** Stable while the message is shown, so good as a key; what `regenerate`, `edit` and `feedback` take. */
  readonly id: string;
  readonly runId: string | null;
  readonly role: "user" | "assistant";
  readonly text: string;
  /** The model's thinking, apart from the text; empty where there is none. */
  readonly reasoning: string;
  /** Names of the data tools that were used, each once, in their first order; of a stored answer those of actions, too. */
  readonly toolsUsed: readonly string[];
  readonly toolCalls: readonly ToolCallView[];
  readonly actions: readonly ActionView[];
  readonly approvals: readonly ApprovalView[];
  /** Where it comes from, each address once, as tools and providers say it: what to make a link of is the page's to decide. */
  readonly sources: readonly SourceView[];
  readonly status: MessageStatus;
  /** Why it failed, or did not arrive. */
  readonly error: ErrorView | null;
  readonly feedback: "up" | "down" | null;
  readonly createdAt: string;
  /** What the user sent with it, or what tools gave; `@frontdesk/client/files` uploads and fetches them. */
  readonly files: readonly FileView[];
  /** Earlier versions, oldest first; empty where there are none. */
  readonly versions: readonly VersionView[];
}

/** A file of the user's own at the server. Its name is whatever somebody called it: text, and nothing else. */
export interface FileView {
  readonly id: string;
  readonly name: string;
  /** By its content, as the server found it. */
  readonly media_type: string;
  readonly bytes: number;
  /** Of one that a tool gave: of which call. */
  readonly tool_call_id?: string;
}

export interface ToolCallView {
  readonly id: string;
  readonly name: string;
  readonly status: ToolCallStatus;
  /** Null where they were too large to show. */
  readonly arguments: Readonly<Record<string, unknown>> | null;
  readonly durationMs: number | null;
  readonly error: string | null;
  /** What it does and did, in words of its author; null where there are none. */
  readonly label: string | null;
  readonly done: string | null;
  /** What the tool returned, or the beginning of it. */
  readonly result: string | null;
  /** How long a call has been running; told every five seconds, and when it says how far it is. */
  readonly elapsedMs?: number;
  /** How far it is, from 0 to 1, and in a line of words, where the tool says so. */
  readonly progress?: number;
  readonly progressText?: string;
}

/** `url` is http or https; `tool_call_id` names the call whose result cites it: of what the provider cites there is none. */
export type SourceView = SourceCited["source"];

export interface ActionView {
  readonly id: string;
  readonly type: string;
  readonly value: string;
  /** Whether the run waits for what comes of it. */
  readonly expects_result?: boolean;
}

export interface ApprovalView {
  readonly toolCallId: string;
  readonly name: string;
  /** What is asked, for people. */
  readonly title: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly expiresAt: string;
  /** Of just this call with just these arguments. */
  readonly hash: string;
  /** The roles of those who answer, where it is not the user who asked. */
  readonly approvers?: readonly string[];
  readonly mayAlways?: boolean;
  /** Null until it was decided, here or elsewhere. */
  readonly decision: "approved" | "denied" | null;
}

export interface VersionView {
  readonly id: string;
  readonly text: string;
  readonly createdAt: string;
}

export interface ErrorView {
  /** One of the server's codes, or `network`, `bad_response` or `signed_out` from the client. */
  readonly code: string;
  readonly message: string;
  /** Whether `retry` may help. */
  readonly recoverable: boolean;
  /** How long to wait before that, where the server said. */
  readonly retryAfterS: number | null;
}

/**
 * One answer as far as its events have told it: what `reduce` folds. `status` is `streaming` until its run ends; what is
 * optional is missing until it was told.
 */
export interface AnswerView extends MessageView {
  readonly conversationId?: string;
  readonly title?: string;
  /** Calls that the page is to run. */
  readonly clientTools: readonly ClientToolView[];
  readonly suggestions: readonly string[];
  /** Until when the run waits for a fresh token; null when it goes on. */
  readonly authRequiredUntil?: string | null;
  readonly finishReason?: string;
  readonly usage?: Usage;
}

export interface ClientToolView {
  readonly toolCallId: string;
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly expiresAt: string;
}
