/** The messages about an order: which of them led to a version, and which changed nothing. */
import t from "tap";
import type { StoredMessage } from "../../../../src/runtime/ports.ts";
import { orderMessages } from "../../../../src/services/orders/messages.ts";

const message = (sequence: number, payload: unknown): StoredMessage => ({
  subject: "orders.inbox.0.ord_1",
  sequence,
  at: Date.UTC(2026, 10, 22),
  headers: {},
  payload: typeof payload === "string" ? payload : JSON.stringify(payload),
});
const event = (sequence: number, type: string) =>
  message(sequence, {
    kind: "event",
    machine: "fulfillment",
    event: { type, collected: null },
    id: `m${sequence}`,
  });
const whole = { machines: {}, commands: [], effects: [], timers: [] };
const record = (sequence: number, input: string, version: number, inbox: number) =>
  message(sequence, { input, snapshot: { ...whole, version, inbox } });

t.test(
  "a message shows the version that it led to, or none; timers and unreadable ones are left out",
  async (t) => {
    const inbox = [
      event(5, "invoice.issued"),
      message(6, { kind: "timer", machine: "fulfillment", timer: "t", generation: 1 }),
      message(7, "no json"),
      event(8, "carrier.delivered"),
      event(9, "carrier.lost"),
    ];
    const records = [
      record(1, "start", 1, 0),
      record(10, "inbox:invoice.issued", 2, 5),
      record(11, "timer:fulfillment.t", 3, 6),
      record(12, "inbox:carrier.delivered", 4, 8),
    ];
    const at = "2026-11-22T00:00:00.000Z";
    const of = (sequence: number, type: string, version: number | null) => ({
      id: `m${sequence}`,
      sequence,
      at,
      machine: "fulfillment",
      type,
      data: { collected: null },
      version,
    });
    t.strictSame(orderMessages(inbox, records), [
      of(5, "invoice.issued", 2),
      of(8, "carrier.delivered", 4),
      of(9, "carrier.lost", null),
    ]);
  },
);

t.test("a record that cannot be read hides no message", async (t) => {
  const inbox = [event(5, "invoice.issued"), event(8, "carrier.lost")];
  const good = record(12, "inbox:carrier.lost", 4, 8);
  for (const bad of ["", "no json", "null", "{}", '{"input":7}', '{"input":"inbox:x"}']) {
    const shown = orderMessages(inbox, [message(10, bad), good]);
    t.same(
      shown.map(({ version }) => version),
      [null, 4],
      bad,
    );
  }
});

t.test("the latest two hundred messages are shown", async (t) => {
  const inbox = Array.from({ length: 450 }, (_, index) => event(index + 1, "carrier.lost"));
  const shown = orderMessages(inbox, []);
  t.equal(shown.length, 200);
  t.equal(shown.at(-1)?.sequence, 450);
});
