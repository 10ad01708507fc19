/** Pictures of what is loaded later: see `icons.ts` for those that are there from the start. */
import { drawn } from "./icons";

export const back = () => drawn("back", ["M14.5 6l-6 6 6 6"]);
export const search = () => drawn("search", ["M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14z", "M20 20l-4-4"]);
export const trash = () =>
  drawn("trash", ["M5 7h14", "M10 7V4.5h4V7", "M7 7l.8 12.5h8.4L17 7", "M10.3 11v5", "M13.7 11v5"]);
