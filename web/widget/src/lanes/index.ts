/** What is loaded where a page lets its users ask several models, and the assistant has several. */
import type { Assistant } from "@frontdesk/client";
import type { Frame } from "../frame";
import type { AnswerItem } from "../message";
import { Comparison } from "./comparison";

export type { Comparison };

/** Lets the users of a frame compare, if it is still there. What shows one answer there shows each of several. */
export function show(frame: Frame, Item: typeof AnswerItem, assistant: Assistant): void {
  if (!frame.element.isConnected) return;
  frame.lanes = new Comparison(frame, Item);
  frame.lanes.update(assistant);
}
