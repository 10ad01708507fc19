// The studio's REST API, as far as the pages read it. The token decides whose data it is.
import { token } from "./session";

/** The same as the assistant sends, so that both mean the same day by today. */
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What the API refused; `message` is its own sentence. Status 0: it could not be reached. */
export class StudioError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = "StudioError";
  }
}

export type Query = Readonly<Record<string, string | number | undefined>>;

/** Reads one resource. Parameters that are undefined or empty are left out. */
export async function read<Answer>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Answer> {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const parameters = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  try {
    const headers = { Authorization: `Bearer ${await token()}`, "X-Time-Zone": ZONE };
    const response = await fetch(`/studio${path}${parameters && `?${parameters}`}`, {
      headers,
      signal: signal ?? null,
    });
    const answer = (await response.json()) as unknown;
    if (!response.ok) throw new StudioError(response.status, detailOf(answer));
    return answer as Answer;
  } catch (error) {
    if (error instanceof StudioError || signal?.aborted) throw error;
    throw new StudioError(0, "The studio's server cannot be reached right now.");
  }
}

/** Reads the one client that a client may see: themselves. */
export async function readOwn(signal?: AbortSignal): Promise<Client> {
  const found = await read<List<ClientRow>>("/clients", { limit: 1 }, signal);
  return read<Client>(`/clients/${found.items[0]?.id ?? 0}`, {}, signal);
}

function detailOf(answer: unknown): string {
  const detail = (answer as { detail?: unknown } | null)?.detail;
  return typeof detail === "string" ? detail : "The studio's server refused this.";
}

export interface List<Item> {
  readonly items: readonly Item[];
  readonly total: number;
}

export type MembershipStatus = "active" | "frozen" | "expired";

export interface ClientRow {
  readonly id: number;
  readonly name: string;
  readonly status: MembershipStatus;
  readonly plan: string;
  readonly membership_ends_on: string;
  readonly phone: string;
  readonly branch: string;
}

export interface Client extends Omit<ClientRow, "membership_id"> {
  readonly email: string;
  readonly trainer: string;
  readonly joined_on: string;
  readonly notes: string;
  readonly membership_starts_on: string;
  readonly frozen_until: string | null;
  readonly price: number;
  readonly currency: string;
  readonly last_visit: string | null;
  readonly visits_last_30_days: number;
  readonly total_paid: number;
}

export interface ClientsStats {
  readonly total: number;
  readonly active: number;
  readonly inactive: number;
  readonly newThisMonth: number;
}

export interface Visit {
  readonly client_id: number;
  readonly name: string;
  readonly time: string;
  readonly plan: string;
  readonly branch: string;
}

export interface AttendanceStats {
  readonly today: number;
  readonly yesterday: number;
  readonly this_week: number;
  readonly last_week: number;
  readonly this_month: number;
  readonly last_month: number;
  readonly average_per_day_last_30_days: number;
  readonly busiest_weekday: string | null;
}

export interface MembershipsStats {
  readonly total: number;
  readonly active: number;
  readonly frozen: number;
  readonly expired: number;
  readonly expiring_in_7_days: number;
  readonly currency: string;
  readonly plans: readonly { readonly plan: string; readonly active: number; readonly price: number }[];
}

export interface Expiring {
  readonly client_id: number;
  readonly name: string;
  readonly plan: string;
  readonly ends_on: string;
  readonly days_left: number;
  readonly phone: string;
  readonly branch: string;
}

export interface Totals {
  readonly income: number;
  readonly expense: number;
  readonly net: number;
}

export interface Report extends Totals {
  readonly currency: string;
  readonly from: string;
  readonly to: string;
  readonly previous: Totals & { readonly from: string };
  readonly change_percent: { readonly [Figure in keyof Totals]: number | null };
  readonly income_by_kind: readonly { readonly kind: string; readonly amount: number }[];
  readonly expense_by_category: readonly { readonly category: string; readonly amount: number }[];
}

export interface Branches extends List<Branch> {
  readonly currency: string;
}

export interface Branch {
  readonly name: string;
  readonly active_clients: number;
  readonly income_this_month: number;
}

export interface Trainer {
  readonly name: string;
  readonly speciality: string;
  readonly status: "active" | "on_leave";
  readonly branch?: string;
  readonly active_clients?: number;
  readonly classes_per_week?: number;
}

export interface StudioClass {
  readonly name: string;
  readonly weekday: string;
  readonly starts_at: string;
  readonly minutes: number;
  readonly trainer: string;
  readonly branch: string;
  readonly capacity: number;
}

export type EnquiryStatus = "open" | "contacted" | "converted" | "lost";

export interface Enquiry {
  readonly id: number;
  readonly name: string;
  readonly status: EnquiryStatus;
  readonly interest: string;
  readonly phone: string;
  readonly created_on: string;
  readonly branch: string;
}

export interface EnquiriesStats {
  readonly total: number;
  readonly open: number;
  readonly contacted: number;
  readonly converted: number;
  readonly lost: number;
  readonly new_this_month: number;
  readonly conversion_rate_percent: number | null;
}
