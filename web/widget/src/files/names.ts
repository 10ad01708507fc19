/** Names and sizes of files. A name is whatever somebody called it: all of it is shown, as text, and none of it does anything. */
import { bounded } from "../bounds";
import { formatNumber } from "../format";
import { withSigns } from "../signs";
import type { Texts } from "../texts";

const MOST_SHOWN = 200;
/** What no name of a saved file may have: signs that nobody sees or that turn a text around, and what leads elsewhere. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}/\\:*?"<>|]/gu;

/** Returns a name as it is shown: with the code of each sign that nobody sees. */
export function shownName(name: string): string {
  return bounded(withSigns(name.replace(/\s/g, " ")), MOST_SHOWN);
}

/** Returns the name under which a file is saved. */
export function savedName(name: string): string {
  const plain = Array.from(name.replace(UNSAFE, "_").replace(/^\.+/, "").trim());
  // The ending stays: it says with what the file is opened.
  return (plain.length > 120 ? [...plain.slice(0, 100), ...plain.slice(-20)] : plain).join("") || "file";
}

/** Returns a size, which stays in its order among words of the other direction. */
export function shownSize(bytes: number, texts: Texts): string {
  const size = sizeOf(bytes, texts);
  return texts.direction === "rtl" ? `\u2066${size}\u2069` : size;
}

function sizeOf(bytes: number, texts: Texts): string {
  if (bytes < 1000) return `${formatNumber(bytes, texts)} B`;
  if (bytes < 1e6) return `${formatNumber(bytes / 1e3, texts)} KB`;
  return `${formatNumber(bytes / 1e6, texts, 1)} MB`;
}
