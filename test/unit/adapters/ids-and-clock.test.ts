/** Ids and the system's clocks. */
import t from "tap";
import { systemClock } from "../../../src/adapters/local/system-clock.ts";
import { randomIds } from "../../../src/adapters/local/random-ids.ts";
import { waitUntil } from "../../support/wait-until.ts";

t.test("ids are different, of one length, and safe in subjects and URLs", async (t) => {
  const ids = randomIds();
  const drawn = Array.from({ length: 10_000 }, () => ids.next());
  t.equal(new Set(drawn).size, drawn.length);
  t.ok(drawn.every((id) => /^[A-Za-z0-9_-]{20}$/.test(id)));
  t.equal(
    new Set(drawn.map((id) => id.slice(0, 4))).size > 9_900,
    true,
    "random from the first character on",
  );
});

t.test("a callback runs once after its delay, a cancelled one never", async (t) => {
  const ran: string[] = [];
  const startedAt = systemClock.monotonic();
  const cancel = systemClock.after(1, () => ran.push("cancelled"));
  cancel();
  systemClock.after(30, () => ran.push("later"));
  systemClock.soon(() => ran.push("soon"));
  await waitUntil("both ran", () => ran.length === 2);
  t.strictSame(ran, ["soon", "later"]);
  t.ok(systemClock.monotonic() - startedAt >= 29);
  t.ok(Math.abs(systemClock.now() - Date.now()) < 1_000);
});

t.test("a delay of months is waited for, not cut to nothing", async (t) => {
  let ran = false;
  const cancel = systemClock.after(90 * 24 * 3_600_000, () => (ran = true));
  let later = false;
  systemClock.after(20, () => (later = true));
  await waitUntil("a later one ran", () => later);
  t.notOk(ran);
  cancel();
});
