import type { NextConfig } from "next";

const FRONTDESK = process.env.FRONTDESK_URL ?? "http://127.0.0.1:8000";

/** Frontdesk is a path of the product's own host: so the page needs no CORS. */
const config: NextConfig = {
  rewrites: async () => [{ source: "/desk/:path*", destination: `${FRONTDESK}/:path*` }],
};
export default config;
