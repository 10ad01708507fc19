/** Numbers and times as the widget's language writes them. */
import type { Texts } from "./texts";

const DAY_MS = 86_400_000;

export function formatNumber(value: number, texts: Texts, digits = 0): string {
  return new Intl.NumberFormat(texts.language, { maximumFractionDigits: digits }).format(value);
}

/** The time where it is today's, else the day. */
export function formatMoment(moment: string, texts: Texts): string {
  const then = new Date(moment);
  const isToday = then.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(texts.language, isToday ? { timeStyle: "short" } : { dateStyle: "medium" }).format(
    then,
  );
}

/** The time of day. */
export function formatTime(moment: string, texts: Texts): string {
  return new Intl.DateTimeFormat(texts.language, { timeStyle: "short" }).format(new Date(moment));
}

export function formatInFull(moment: string, texts: Texts): string {
  return new Intl.DateTimeFormat(texts.language, { dateStyle: "full", timeStyle: "short" }).format(new Date(moment));
}

/** The day: by its name where it is near, with its year where that is another one. */
export function formatDay(moment: string, texts: Texts): string {
  const then = new Date(moment);
  const now = new Date();
  const days = daysAgo(moment);
  if (days < 2) {
    const said = new Intl.RelativeTimeFormat(texts.language, { numeric: "auto" }).format(-days, "day");
    return said.slice(0, 1).toLocaleUpperCase(texts.language) + said.slice(1);
  }
  const isThisYear = then.getFullYear() === now.getFullYear();
  const year = isThisYear ? {} : ({ year: "numeric" } as const);
  return new Intl.DateTimeFormat(texts.language, { weekday: "long", day: "numeric", month: "long", ...year }).format(
    then,
  );
}

/** Returns how many days ago that was, by the calendar of this place; tomorrow is today. */
export function daysAgo(moment: string): number {
  return Math.max(0, Math.round((startOf(new Date()) - startOf(new Date(moment))) / DAY_MS));
}

function startOf(moment: Date): number {
  return Date.UTC(moment.getFullYear(), moment.getMonth(), moment.getDate());
}
