/** Numbers and times as they are written where the reader is, in the widget's language. */
import type { Texts } from "./texts";

const DAY_MS = 86_400_000;
/** The longest first, in seconds. */
const UNITS = [
  [86_400, "day"],
  [3600, "hour"],
  [60, "minute"],
] as const;

/** The browser's own variety of the widget's language: an hour of the afternoon is 13 in Britain, and 1 in America. */
function localeOf({ language }: Texts): string {
  return navigator.languages.find((tag) => tag.split("-")[0] === language && isLocale(tag)) ?? language;
}

/** Some systems call theirs what is no tag of a language: `en-US@posix`. */
function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length > 0;
  } catch {
    return false;
  }
}

/** Making one takes a hundred times as long as using it, and a conversation has hundreds of times. A laptop may travel. */
const made = new Map<string, Intl.DateTimeFormat>();

function formatDate(moment: string, texts: Texts, options: Intl.DateTimeFormatOptions): string {
  const name = JSON.stringify([texts.language, navigator.languages, new Date().getTimezoneOffset(), options]);
  if (!made.has(name)) made.set(name, new Intl.DateTimeFormat(localeOf(texts), options));
  return made.get(name)!.format(new Date(moment));
}

export function formatNumber(value: number, texts: Texts, digits = 0): string {
  return new Intl.NumberFormat(localeOf(texts), { maximumFractionDigits: digits }).format(value);
}

/** So many seconds, in minutes, hours or days where they are many. */
export function formatSpan(seconds: number, texts: Texts): string {
  const [length, unit] = UNITS.find(([length]) => seconds >= 2 * length) ?? [];
  if (!length) return texts.duration(formatNumber(seconds, texts));
  const digits = { style: "unit", unit, maximumFractionDigits: 0 };
  return new Intl.NumberFormat(localeOf(texts), digits as Intl.NumberFormatOptions).format(Math.ceil(seconds / length));
}

/** The time where it is today's, else the day. */
export function formatMoment(moment: string, texts: Texts): string {
  const isToday = new Date(moment).toDateString() === new Date().toDateString();
  return formatDate(moment, texts, isToday ? { timeStyle: "short" } : { dateStyle: "medium" });
}

/** The time of day. */
export function formatTime(moment: string, texts: Texts): string {
  return formatDate(moment, texts, { timeStyle: "short" });
}

export function formatInFull(moment: string, texts: Texts): string {
  return formatDate(moment, texts, { dateStyle: "full", timeStyle: "short" });
}

/** The day: by its name where it is near, with its year where that is another one. */
export function formatDay(moment: string, texts: Texts): string {
  const days = daysAgo(moment);
  if (days < 2) {
    const said = new Intl.RelativeTimeFormat(localeOf(texts), { numeric: "auto" }).format(-days, "day");
    return said.slice(0, 1).toLocaleUpperCase(localeOf(texts)) + said.slice(1);
  }
  const isThisYear = new Date(moment).getFullYear() === new Date().getFullYear();
  const year = isThisYear ? {} : ({ year: "numeric" } as const);
  return formatDate(moment, texts, { weekday: "long", day: "numeric", month: "long", ...year });
}

/** Returns how many days ago that was, by the calendar of this place; tomorrow is today. */
export function daysAgo(moment: string): number {
  return Math.max(0, Math.round((startOf(new Date()) - startOf(new Date(moment))) / DAY_MS));
}

function startOf(moment: Date): number {
  return Date.UTC(moment.getFullYear(), moment.getMonth(), moment.getDate());
}
