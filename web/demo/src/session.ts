// Who is signed in. The address says it (`?as=kinetic.trainer`), so a reload keeps it, two tabs can be two users, and
// changing the user is a new document: nothing of the last one's data is left in memory. What the assistant keeps for them in
// this tab goes with its `user`.

export interface Tenant {
  readonly id: "aurora" | "kinetic";
  readonly name: string;
  readonly city: string;
  readonly locale: string;
  readonly accent: string;
}

export interface User {
  readonly tenant: Tenant;
  readonly role: "owner" | "trainer" | "client";
}

export const TENANTS: readonly Tenant[] = [
  { id: "aurora", name: "Aurora Fitness", city: "Dublin", locale: "en-GB", accent: "teal" },
  { id: "kinetic", name: "Kinetic Club", city: "Austin", locale: "en-US", accent: "violet" },
];
export const ROLES = { owner: "Owner", trainer: "Trainer", client: "Client" } as const;
export const ROLE_NAMES = Object.keys(ROLES) as User["role"][];

export const currentUser = readUser(new URLSearchParams(location.search).get("as"));
export const isStaff = currentUser.role !== "client";

function readUser(as: string | null): User {
  const [tenantId, role] = (as ?? "").split(".");
  const tenant = TENANTS.find((one) => one.id === tenantId) ?? TENANTS[0]!;
  return { tenant, role: ROLE_NAMES.find((one) => one === role) ?? "owner" };
}

/** Returns the address that signs in as this user. */
export function addressOf(user: User): string {
  return `?as=${user.tenant.id}.${user.role}`;
}

let asked: Promise<string> | null = null;

/** Returns a fresh token. Those who ask at the same time share one; none is kept, so none is ever stale. */
export function token(): Promise<string> {
  asked ??= askForToken().finally(() => (asked = null));
  return asked;
}

async function askForToken(): Promise<string> {
  const response = await fetch("/demo/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ tenant: currentUser.tenant.id, user: currentUser.role }),
  });
  if (!response.ok) throw new Error(`The demo's sign-in answered ${response.status}.`);
  return ((await response.json()) as { token: string }).token;
}
