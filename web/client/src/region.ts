/** Where and in which language the user reads: what a page says, or else its browser, as far as a server can take it. */
import type { ChatOptions } from "./types";

/** A name of the IANA database; not an offset, nor the browser's word for not knowing. */
const ZONE = /^(?!Etc.Unk)[A-Z].*/;

export function regionOf({ timeZone, locale }: ChatOptions): { time_zone: string | undefined; locale: string } {
  const told = Intl.DateTimeFormat().resolvedOptions();
  return { time_zone: ZONE.exec(timeZone ?? told.timeZone)?.[0], locale: locale ?? told.locale };
}
