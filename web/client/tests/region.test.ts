/** Where the user is, as far as a browser says something that a server takes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { regionOf } from "../src/region";

test("what the page says counts", () => {
  assert.deepEqual(regionOf({ timeZone: "Asia/Tokyo", locale: "de-AT" }), { time_zone: "Asia/Tokyo", locale: "de-AT" });
});

test("an offset, or that the browser does not know, is not said", () => {
  const { locale } = Intl.DateTimeFormat().resolvedOptions();
  assert.deepEqual(regionOf({ timeZone: "Etc/Unknown" }), { time_zone: undefined, locale });
  assert.equal(regionOf({ timeZone: "+01:00" }).time_zone, undefined);
  assert.equal(regionOf({ timeZone: "" }).time_zone, undefined);
});
