/** What was done already, remembered over reloads and shared by the tabs of a browser. */
import type { ClientStorage } from "./types";

const DONE = "frontdesk.done";
/** Some 500 ids. */
const MOST_CHARACTERS = 20_000;

export type Claim = (id: string) => Promise<boolean>;

/**
 * Returns a function that says whether its caller is to do something: one of a browser's tabs is, once. Where the browser
 * has no storage or does not let us have it, this page alone remembers.
 */
export function openClaims(storage: ClientStorage | undefined): Claim {
  let done = " ";
  const claim = (id: string) => {
    try {
      done = (storage ?? localStorage).getItem(DONE) ?? done;
    } catch {}
    if (done.includes(` ${id} `)) return false;
    done = `${done}${id} `.slice(-MOST_CHARACTERS);
    try {
      (storage ?? localStorage).setItem(DONE, done);
    } catch {}
    return true;
  };
  return async (id) => {
    try {
      return await navigator.locks.request(DONE, () => claim(id));
    } catch {
      return claim(id); // without locks, on a page that is not served securely or is denied them, two tabs may do it at once
    }
  };
}
