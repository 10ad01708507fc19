/** The client of Frontdesk: see README.md. */
export type * from "./types";
export type * from "./wire";
export { createClient } from "./client";
export { FrontdeskError } from "./errors";
export { emptyAnswer, reduce } from "./reduce";
