/** Saving what was fetched, as a file of the user's. */
import { make } from "./dom";

/** The browser may still be reading it for so long. */
const READ_MS = 60_000;

export function save(file: Blob, name: string): void {
  const address = URL.createObjectURL(file);
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), READ_MS);
}
