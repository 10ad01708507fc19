/** What the parts of the widget share: where to ask, what to say, and whom to tell. */
import type { AcceptedFiles, Chat, Client, ClientOptions, FileView, MessageView } from "@frontdesk/client";
import type { Comparison } from "./lanes";
import type { Sanitise } from "./markdown/sanitise";
import type { Memory } from "./memory";
import type { Narrator } from "./narrator";
import type { Texts } from "./texts";

/** Where the server is, and whose token it gets. */
export type Access = Pick<ClientOptions, "url" | "token">;

/** The files of the message that is being written. */
export interface ComposerFiles {
  /** Takes files as another assistant does, or none. */
  accept(accepted: AcceptedFiles | null): void;
  /** Shows those of a conversation; null for a new one. */
  update(conversationId: string | null, isLoading: boolean): void;
  /** Whether a message has to wait for them; `go` is called when it has waited long enough. */
  holds(go: () => void): boolean;
  /** Hands them over to a message that is sent. */
  take(): { files: readonly FileView[] };
  close(): void;
}

export interface WidgetContext {
  readonly options: { readonly access: Access; readonly memory: Memory };
  readonly texts: Texts;
  readonly client: Client;
  readonly chat: Chat;
  readonly sanitise: Sanitise;
  readonly narrator: Narrator;
  /** Once they are loaded, where any may be sent. */
  readonly files?: ComposerFiles;
  /** What shows answers beside each other, once it is loaded. */
  readonly lanes?: Comparison;
  /** What was pressed is gone, or was said: the keyboard goes back to where one writes. */
  focusComposer(): void;
  /** Puts a message of the user's into the composer, to be sent in the old one's place. */
  edit(message: MessageView): void;
  /** Puts a text into the empty composer. */
  write(text: string): void;
  /** Shows that a call failed which belongs to no message. */
  report(error: unknown): void;
}
