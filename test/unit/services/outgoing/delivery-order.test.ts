/** Which event is sent next: each order's events in order, two at once, and a position that is safe. */
import * as fc from "fast-check";
import t from "tap";
import {
  AT_ONCE,
  DeliveryOrder,
  type OutgoingEvent,
} from "../../../../src/services/outgoing/delivery-order.ts";

const event = (stream: number, sequence: number, order: number): OutgoingEvent => ({
  stream,
  sequence,
  id: `ord_${order}.${sequence}.0`,
  type: "order.confirmed",
  orderId: `ord_${order}`,
  version: sequence,
  occurredAt: "",
});

t.test("an order waits for its own events only, and two are sent at once", (t) => {
  const order = new DeliveryOrder([0]);
  for (const [sequence, id] of [
    [1, 1],
    [2, 1],
    [3, 2],
    [4, 3],
  ] as const)
    order.add(event(0, sequence, id));
  const first = order.take(0)!;
  const second = order.take(0)!;
  t.strictSame([first.sequence, second.sequence], [1, 3]);
  t.equal(order.take(0), undefined, "two at once");
  order.again(first, 100);
  t.equal(order.take(0)?.sequence, 4, "the failed order waits, the next one does not");
  order.over(second);
  t.equal(order.take(0), undefined);
  t.equal(order.nextAt(), 100);
  t.strictSame(order.positions(), [0]);
  const again = order.take(100)!;
  t.equal(again, first);
  order.over(again);
  t.strictSame(order.positions(), [1]);
  t.equal(order.take(100)?.sequence, 2);
  t.throws(() => order.over(second), /was not taken/u);
  t.end();
});

t.test("an event that was added, or that is not after the position, is ignored", (t) => {
  const order = new DeliveryOrder([5, 0]);
  order.add(event(0, 5, 1));
  order.add(event(0, 6, 1));
  order.add(event(0, 6, 1));
  order.add(event(1, 6, 2));
  t.equal(order.size(), 2);
  t.strictSame(order.positions(), [5, 5]);
  t.end();
});

t.test("any run of successes and failures keeps the order of each order, the bound and the position", (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: 1 }), fc.nat({ max: 3 })), { minLength: 1, maxLength: 40 }),
      fc.array(fc.tuple(fc.constantFrom("take", "over", "again", "add"), fc.nat({ max: 3 })), {
        maxLength: 300,
      }),
      (events, steps) => {
        const order = new DeliveryOrder([0, 0]);
        const all = events.map(([stream, id], index) => event(stream, index + 1, id * 2 + stream));
        const waiting = [...all];
        const taken: OutgoingEvent[] = [];
        const over: OutgoingEvent[] = [];
        let now = 0;
        const step = (what: string, n: number): void => {
          now++;
          if (what === "add" && waiting.length > 0) order.add(waiting.shift()!);
          if (what === "take") {
            const next = order.take(now);
            if (next) taken.push(next);
          }
          const [one] = taken.splice(
            n % Math.max(1, taken.length),
            what === "over" || what === "again" ? 1 : 0,
          );
          if (one && what === "over") {
            order.over(one);
            over.push(one);
          }
          if (one && what === "again") order.again(one, now + n);
          if (taken.length > AT_ONCE) throw new Error("too many at once");
          if (new Set(taken.map(({ orderId }) => orderId)).size < taken.length)
            throw new Error("an order twice");
          for (const [stream, position] of order.positions().entries()) {
            const before = all.filter((other) => other.stream === stream && other.sequence <= position);
            if (before.some((other) => !over.includes(other)))
              throw new Error(`position ${position} is too far`);
          }
        };
        for (const [what, n] of steps) step(what, n);
        for (let round = 0; round < 2_000 && over.length < all.length; round++)
          step((["add", "take", "over"] as const)[round % 3]!, 0);
        if (over.length !== all.length) throw new Error("some are never over");
        for (const id of new Set(all.map(({ orderId }) => orderId))) {
          const sequences = over.filter(({ orderId }) => orderId === id).map(({ sequence }) => sequence);
          if (sequences.some((one, at) => at > 0 && one < sequences[at - 1]!))
            throw new Error(`${id} out of order`);
        }
      },
    ),
    { numRuns: 200 },
  );
  t.end();
});
