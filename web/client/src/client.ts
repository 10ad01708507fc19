/** The client: one server, one user. */
import { camel } from "./camel";
import { ChatStore } from "./chat";
import { type Change, conversations, pathOf, query } from "./conversations";
import { openHints } from "./hints";
import { Http } from "./http";
import { openClaims } from "./claim";
import { tell } from "./page-requests";
import type { Assistant, Client, ClientOptions } from "./types";
import type { SuggestionsOffered } from "./wire";

export function createClient(options: ClientOptions): Client {
  const http = new Http(options, () => hear({}));
  const claim = openClaims(options.storage);
  const listeners = new Set<(change: Change) => void>();
  const hear = (change: Change) => tell(listeners, change);
  const hint = openHints((id) => hear({ id, stale: true }));
  const changed = (change: Change) => {
    hear(change);
    hint(change.id!);
  };
  return {
    assistant: async (id) => {
      const described = await http.read<Assistant>(`/assistant${query({ assistant: id })}`);
      return { ...camel(described), limits: camel(described.limits) };
    },
    async feedback(id, feedback) {
      await http.call(`${pathOf(id, "messages")}/feedback`, "POST", feedback);
      changed({ id, feedback: feedback.rating });
    },
    suggestions: async (id) =>
      (await http.read<SuggestionsOffered>(`${pathOf(id, "messages")}/suggestions`, "POST")).suggested_questions,
    conversations: conversations(http, changed),
    chat: (chatOptions = {}) => new ChatStore(http, claim, listeners, changed, chatOptions),
    user: http.owner,
    signOut: http.signOut,
    close: () => http.closed.abort(),
  };
}
