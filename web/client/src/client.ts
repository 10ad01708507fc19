/** The client: one server, one user. */
import { camel } from "./camel";
import { ChatStore } from "./chat";
import { type Change, conversations, query } from "./conversations";
import { openHints } from "./hints";
import { openHttp } from "./http";
import { openClaims } from "./claim";
import type { Assistant, Client, ClientOptions } from "./types";

export function createClient(options: ClientOptions): Client {
  const http = openHttp(options, () => hear({}));
  const claim = openClaims(options.storage);
  const listeners = new Set<(change: Change) => void>();
  const hear = (change: Change) => listeners.forEach((listener) => listener(change));
  const hint = openHints((id) => hear({ id, stale: true }));
  const tell = (change: Change) => {
    hear(change);
    hint(change.id!);
  };
  return {
    async assistant(id) {
      const described = await http.read<Assistant>(`/assistant${query({ assistant: id })}`);
      return { ...described, limits: camel(described.limits) };
    },
    conversations: conversations(http, tell),
    async feedback(id, feedback) {
      await http.call("POST", `/messages/${encodeURIComponent(id)}/feedback`, feedback);
      tell({ id, feedback: feedback.rating });
    },
    chat: (chatOptions = {}) => new ChatStore(http, claim, listeners, tell, chatOptions),
    user: http.owner,
    signOut: http.signOut,
  };
}
