/** What is loaded when somebody wants to see what is remembered of them. */
import type { Frame } from "../frame";
import { adopt } from "../adopt";
import css from "../styles/memories.css" with { type: "text" };
import { MemoryList } from "./list";
import { wordsFor } from "./words";

/** Returns the list; it is empty until it is loaded. */
export function list(frame: Frame): MemoryList {
  adopt(frame.element, css);
  return new MemoryList(frame, wordsFor(frame.texts.language), () => frame.show(null));
}
