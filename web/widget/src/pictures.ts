/** Pictures of what is loaded later: see `icons.ts` for those that are there from the start. */
import { drawn } from "./icons";

export const back = () => drawn("back", ["M14.5 6l-6 6 6 6"]);
export const search = () => drawn("search", ["M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14z", "M20 20l-4-4"]);
export const trash = () =>
  drawn("trash", ["M5 7h14", "M10 7V4.5h4V7", "M7 7l.8 12.5h8.4L17 7", "M10.3 11v5", "M13.7 11v5"]);
export const loudspeaker = () =>
  drawn("loudspeaker", ["M4 9.5h3.5L12 5.5v13l-4.5-4H4z", "M15.5 9a4.5 4.5 0 0 1 0 6", "M18 6.5a8 8 0 0 1 0 11"]);
export const ear = () =>
  drawn("microphone", [
    "M12 14.5a3 3 0 0 1-3-3v-4a3 3 0 0 1 6 0v4a3 3 0 0 1-3 3z",
    "M6 11.5a6 6 0 0 0 12 0",
    "M12 17.5v3",
  ]);
