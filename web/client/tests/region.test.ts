/** Where the user is, as far as a browser says something that a server takes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { regionOf } from "../src/region";

test("what the page says counts, in the usual letters", () => {
  assert.deepEqual(regionOf({ timeZone: "Asia/Tokyo", locale: "DE-at" }), { time_zone: "Asia/Tokyo", locale: "de-AT" });
});

test("what no server takes is left to the browser, or not said", () => {
  const { locale } = Intl.DateTimeFormat().resolvedOptions();
  assert.deepEqual(regionOf({ timeZone: "Etc/Unknown", locale: "en-US@posix" }), { time_zone: undefined, locale });
  assert.equal(regionOf({ timeZone: "+01:00", locale: "" }).time_zone, undefined);
  assert.equal(regionOf({ timeZone: "", locale: "de" }).locale, "de");
});
