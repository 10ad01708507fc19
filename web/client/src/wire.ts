// Made by scripts/generate from agent/events/schema.py: do not edit.

/** The run exists and its user message is stored. Always the first event of a log. */
export interface RunStarted {
  readonly conversation_id: string;
  readonly run_id: string;
  readonly message_id: string;
}

/** The model does not get all that was said before: in its place the `summary`, or nothing where turns are `left_out`. */
export interface HistoryShortened {
  readonly history: {
    readonly summary?: string;
    readonly until?: string;
    readonly left_out: boolean;
  };
}

/** A piece of the answer; joining `text` in id order gives the whole answer. */
export interface TextDelta {
  readonly token: string;
}

/** A piece of the model's thinking, apart from the answer. */
export interface ReasoningDelta {
  readonly reasoning: string;
}

/** Data tools of one step begin; their names, in the model's order. Actions are not among them. */
export interface ToolsStarted {
  readonly tools_used: ReadonlyArray<string>;
}

/** A tool call began, goes on (`elapsed_ms`), or settled. */
export interface ToolCallChanged {
  readonly tool_call: {
    readonly id: string;
    readonly name: string;
    readonly status: "running" | "ok" | "error" | "awaiting_approval" | "awaiting_client";
    readonly arguments?: Readonly<Record<string, unknown>>;
    readonly duration_ms?: number;
    readonly error?: string;
    readonly label?: string;
    readonly done?: string;
    readonly result?: string;
    readonly elapsed_ms?: number;
    readonly progress?: number;
    readonly progress_text?: string;
  };
}

/** The page is to do something, once per `id`. */
export interface ActionRequested {
  readonly action: {
    readonly type: string;
    readonly value: string;
    readonly id: string;
    readonly expects_result?: boolean;
  };
}

/** A tool gave a file or a picture, which is kept; its bytes are at `GET /files/{id}`, for the run's user alone. */
export interface FileGiven {
  readonly file: {
    readonly id: string;
    readonly name: string;
    readonly media_type: string;
    readonly bytes: number;
    readonly tool_call_id: string;
  };
}

/** A tool call waits until `expires_at` for a yes or no: the user's, or that of somebody else of the roles `approvers`. */
export interface ApprovalRequested {
  readonly approval: {
    readonly tool_call_id: string;
    readonly name: string;
    readonly title: string;
    readonly arguments: Readonly<Record<string, unknown>>;
    readonly expires_at: string;
    readonly hash: string;
    readonly approvers?: ReadonlyArray<string>;
    readonly may_always?: boolean;
  };
}

/** The page is to run a tool and post its result before `expires_at`, once per `tool_call_id`. */
export interface ClientToolRequested {
  readonly client_tool: {
    readonly tool_call_id: string;
    readonly name: string;
    readonly arguments: Readonly<Record<string, unknown>>;
    readonly expires_at: string;
  };
}

/** A tool's result, or the provider, names where something comes from. Each address is told once of an answer. */
export interface SourceCited {
  readonly source: {
    readonly id: string;
    readonly title: string;
    readonly url: string;
    readonly snippet: string;
    readonly tool_call_id?: string;
  };
}

/** Everything shown for this run so far; a reader replaces what it has, then follows on. */
export interface SnapshotTaken {
  readonly snapshot: {
    readonly message_id: string;
    readonly text: string;
    readonly tools_used: ReadonlyArray<string>;
    readonly actions: ReadonlyArray<{
      readonly type: string;
      readonly value: string;
      readonly id: string;
      readonly expects_result?: boolean;
    }>;
    readonly sources?: ReadonlyArray<{
      readonly id: string;
      readonly title: string;
      readonly url: string;
      readonly snippet: string;
      readonly tool_call_id?: string;
    }>;
    readonly files?: ReadonlyArray<{
      readonly id: string;
      readonly name: string;
      readonly media_type: string;
      readonly bytes: number;
      readonly tool_call_id: string;
    }>;
  };
}

/** The backend refused the token; the run waits until `expires_at` for the same user to come with a fresh one. */
export interface CredentialNeeded {
  readonly auth_required: {
    readonly expires_at: string;
  };
}

/** Why the run fails; `run.ended` with status `failed` follows. */
export interface ErrorRaised {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly recoverable: boolean;
    readonly retry_after_s?: number;
  };
}

/** The one end of a run. The database says the same already. */
export interface RunEnded {
  readonly status: "completed" | "failed" | "cancelled";
  readonly finish_reason: string;
  readonly usage: {
    readonly input_tokens: number;
    readonly output_tokens: number;
  };
}

/** The run waits for a decision or for a page-side tool. The stream ends here; the run goes on with the answer. */
export interface RunPaused {
  readonly status: "awaiting_input";
}

/** The conversation's title, made by the model. */
export interface TitleChanged {
  readonly title: string;
}

/** Up to three follow-up questions. */
export interface SuggestionsOffered {
  readonly suggested_questions: ReadonlyArray<string>;
}

export type WireEvent =
  | RunStarted
  | HistoryShortened
  | TextDelta
  | ReasoningDelta
  | ToolsStarted
  | ToolCallChanged
  | ActionRequested
  | FileGiven
  | ApprovalRequested
  | ClientToolRequested
  | SourceCited
  | SnapshotTaken
  | CredentialNeeded
  | ErrorRaised
  | RunEnded
  | RunPaused
  | TitleChanged
  | SuggestionsOffered;
