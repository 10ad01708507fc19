import { createHmac } from "node:crypto";

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Signs a token for the user of the product's own session. This product has but one: the owner of the demo's studio. */
export function POST(): Response {
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: "owner", tenant_id: "aurora", role: "owner", iat: now, exp: now + 900 };
  const signed = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded(claims)}`;
  const signature = createHmac("sha256", process.env.FRONTDESK_JWT_SECRET!).update(signed).digest("base64url");
  return Response.json({ token: `${signed}.${signature}` }, { headers: { "Cache-Control": "no-store" } });
}
