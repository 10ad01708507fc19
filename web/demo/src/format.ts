// Numbers, money and dates as the tenant's country writes them.
import { currentUser } from "./session";

const LOCALE = currentUser.tenant.locale;
const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const dayOfYear = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", timeZone: "UTC" });
const month = new Intl.DateTimeFormat(LOCALE, { month: "short", timeZone: "UTC" });
const fullDay = new Intl.DateTimeFormat(LOCALE, { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" });

export const formatNumber = (value: number): string => whole.format(value);
export const formatDay = (iso: string): string => day.format(new Date(iso));
export const formatDayOfYear = (iso: string): string => dayOfYear.format(new Date(iso));
export const formatMonth = (iso: string): string => month.format(new Date(iso));
export const formatToday = (): string => fullDay.format(new Date());

export function formatMoney(amount: number, currency: string, { short = false } = {}): string {
  return new Intl.NumberFormat(LOCALE, {
    style: "currency",
    currency,
    maximumFractionDigits: short ? 1 : Number.isInteger(amount) ? 0 : 2,
    minimumFractionDigits: short || Number.isInteger(amount) ? 0 : 2,
    notation: short ? "compact" : "standard",
  }).format(amount);
}

export function formatChange(percent: number): string {
  return `${percent > 0 ? "+" : percent < 0 ? "−" : "±"}${whole.format(Math.abs(percent))}%`;
}

export function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  return ((words[0]?.[0] ?? "") + (words.length > 1 ? (words.at(-1)?.[0] ?? "") : "")).toUpperCase();
}

/** Returns a word of the API as people read it: `on_leave` -> On leave. */
export function spoken(word: string): string {
  const text = word.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Returns an ISO date so many months before this one's first day. */
export function firstOfMonth(monthsAgo: number): Date {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - monthsAgo, 1));
}

export const isoDay = (date: Date): string => date.toISOString().slice(0, 10);
