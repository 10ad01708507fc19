// Made by scripts/generate from agent/events.py: do not edit.

export type ToolCallStatus = "running" | "ok" | "error" | "awaiting_approval" | "awaiting_client";

export interface Usage {
  input_tokens: number;
  output_tokens: number;
}

export type WireEvent = Readonly<Record<string, unknown>>;
