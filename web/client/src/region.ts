/** Where and in which language the user reads: what a page says, or else its browser, as far as a server can take it. */
import type { ChatOptions } from "./types";

const ZONE = /^[A-Z][\w+-]*(\/[\w+-]+)*$/;

export function regionOf({ timeZone, locale }: ChatOptions): { time_zone: string | undefined; locale: string } {
  const told = Intl.DateTimeFormat().resolvedOptions();
  const zone = timeZone ?? told.timeZone;
  return {
    // A browser that does not know says nothing, or that it is unknown.
    time_zone: ZONE.test(zone) && zone !== "Etc/Unknown" ? zone : undefined,
    locale: canonical(locale ?? globalThis.navigator?.language) ?? told.locale,
  };
}

function canonical(tag: string | undefined): string | undefined {
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    return undefined; // en-US@posix, and what else is in an environment
  }
}
