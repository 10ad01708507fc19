/** Numbers and times as the widget's language writes them. */
import type { Texts } from "./texts";

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
