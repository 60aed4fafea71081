/** The arithmetic of bulk operations, and the pace of their commands. */
import * as fc from "fast-check";
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import {
  before,
  CHUNK_SIZE,
  chunked,
  chunksOf,
  hasGrown,
  placeOf,
  placeText,
  countsOf,
} from "../../../../src/services/bulk/chunks.ts";
import { Pacer } from "../../../../src/services/bulk/pacer.ts";

const manyIds = fc
  .nat({ max: 5 * CHUNK_SIZE + 3 })
  .map((count) => Array.from({ length: count }, (_, n) => `o${n}`));

t.test("every order is in one chunk, in order; every chunk except the last one is full", (t) => {
  fc.assert(
    fc.property(manyIds, (ids) => {
      const chunks = chunked(ids);
      t.strictSame(chunks.flat(), ids);
      t.equal(chunks.length, chunksOf(ids.length));
      for (const [index, chunk] of chunks.entries()) {
        t.ok(chunk.length > 0 && chunk.length <= CHUNK_SIZE);
        if (index < chunks.length - 1) t.equal(chunk.length, CHUNK_SIZE);
        t.equal(before(index, ids.length), chunks.slice(0, index).flat().length);
      }
      t.equal(before(chunks.length, ids.length), ids.length);
    }),
    { numRuns: 30 },
  );
  t.end();
});

t.test("every outcome is counted, as often as it is there", (t) => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("done", "illegal_transition", "unavailable")), (outcomes) => {
      const counts = countsOf(outcomes);
      t.strictSame(Object.keys(counts).toSorted(), [...new Set(outcomes)].toSorted());
      t.equal(
        Object.values(counts).reduce((sum, count) => sum + count, 0),
        outcomes.length,
      );
    }),
    { numRuns: 30 },
  );
  t.end();
});

t.test("a selection may grow by a tenth, and no further", (t) => {
  t.strictSame(
    [
      [0, 0],
      [0, 1],
      [1, 2],
      [10, 11],
      [10, 12],
      [19, 21],
      [20, 22],
      [20, 23],
      [1000, 1100],
      [1000, 1101],
      [30, 5],
    ].map(([previewed, count]) => hasGrown(previewed!, count!)),
    [false, true, true, false, true, true, false, true, false, true, false],
  );
  t.end();
});

t.test("a place is read as it was written; another text is the first place", (t) => {
  fc.assert(
    fc.property(fc.nat({ max: 999_999 }), fc.nat({ max: 9_999 }), (chunk, at) => {
      t.strictSame(placeOf(placeText({ chunk, at })), { chunk, at });
    }),
    { numRuns: 30 },
  );
  for (const text of [undefined, "", "1", "x.1", "-1.0", "1.2.3"])
    t.strictSame(placeOf(text), { chunk: 0, at: 0 }, String(text));
  t.end();
});

t.test("callers keep their distance, also after a time in which nothing ran", async (t) => {
  const clock = new VirtualClock();
  const pacer = new Pacer(clock, 200);
  const at: number[] = [];
  const pass = (callers: number) => {
    for (let n = 0; n < callers; n++) void pacer.next().then(() => at.push(clock.monotonic()));
  };
  pass(40);
  await clock.advance(60);
  // A process that was stopped for a while does not catch up at once.
  await clock.advance(1000);
  pass(10);
  await clock.advance(1000);
  t.equal(at.length, 50);
  const gaps = at.slice(1).map((time, index) => time - at[index]!);
  t.ok(
    gaps.every((gap) => gap >= 5),
    `gaps ${gaps.join()}`,
  );
});
