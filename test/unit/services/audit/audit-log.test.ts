/** The audit log: one chain for each writer, whatever the server answers; and what a check of the chains finds. */
import t from "tap";
import type { AppendResult, Journal, Message, StoredMessage } from "../../../../src/runtime/ports.ts";
import { AuditLog } from "../../../../src/services/audit/audit-log.ts";
import { hashOf } from "../../../../src/services/audit/chain.ts";
import type { AuditEntry } from "../../../../src/services/audit/contract.ts";
import { verifyAudit } from "../../../../src/services/audit/verify.ts";

type Fault = "lose-answer" | "lose-request" | "full";

/** A stream in memory that checks fences, and can be tampered with. */
function stream() {
  const messages: (StoredMessage | undefined)[] = [];
  const faults: Fault[] = [];
  const last = (subject: string) => messages.findLast((one) => one?.subject === subject);
  const journal: Pick<Journal, "append" | "readLast" | "readAt" | "state"> = {
    append: async ([message]: readonly Message[]): Promise<AppendResult> => {
      const { fence, payload, subject } = message!;
      const fault = faults.shift();
      if (fault === "lose-request") return { status: "unanswered", reason: "lost" };
      if (fault === "full") return { status: "rejected", code: 10047, reason: "no room" };
      if ((last(fence!.subject)?.sequence ?? 0) !== fence!.sequence)
        return { status: "rejected", code: 10071, reason: "wrong last sequence" };
      const sequence = messages.length + 1;
      messages.push({ subject, payload, sequence, at: 1_000 * sequence, headers: {} });
      if (fault === "lose-answer") return { status: "unanswered", reason: "lost" };
      return { status: "stored", lastSequence: sequence };
    },
    readLast: async (subject) => last(subject),
    readAt: async (sequence) => messages[sequence - 1],
    state: async () => ({ id: undefined, createdAt: 0, lastSequence: messages.length, lastAt: 0 }),
  };
  const log = { info: () => {}, warn: () => {} } as never;
  const writer = (name: string) => new AuditLog({ journal, writer: name, log });
  return { journal, messages, faults, writer };
}

const entry = (requestId: string, more: Partial<AuditEntry> = {}): AuditEntry => ({
  requestId,
  phase: "asked",
  actor: "k1",
  via: "key",
  roles: ["admin"],
  address: "192.0.2.1",
  route: "POST /v1/orders/:id/cancel",
  target: "ord_1",
  version: null,
  reason: null,
  status: null,
  ...more,
});

t.test("writers do not disturb each other, and two processes of one name make one chain", async (t) => {
  const { journal, messages, writer } = stream();
  const [one, twin, other] = [writer("node-1"), writer("node-1"), writer("node-2")];
  const writes = [one, twin, other].flatMap((log, w) => [1, 2, 3].map((n) => log.write(entry(`${w}.${n}`))));
  const answers = await Promise.all(writes);
  t.ok(answers.filter(({ status }) => status === "stored").length >= 6);
  t.equal(messages.length, answers.filter(({ status }) => status === "stored").length);
  const { broken, entries, heads } = await verifyAudit(journal, []);
  t.strictSame(broken, []);
  t.equal(entries, messages.length);
  t.strictSame([...heads.keys()].toSorted(), ["node-1", "node-2"]);
});

t.test("a process that ends waits for the entries that it has not stored yet", async (t) => {
  const { messages, writer } = stream();
  const log = writer("node-1");
  void log.write(entry("a"));
  void log.write(entry("a", { phase: "answered" }));
  t.equal(messages.length, 0);
  await log.idle();
  t.equal(messages.length, 2);
});

t.test("an entry whose answer is lost is stored once", async (t) => {
  const { faults, journal, messages, writer } = stream();
  const log = writer("node-1");
  await log.write(entry("a"));
  faults.push("lose-answer");
  t.same(await log.write(entry("b")), { status: "stored" });
  faults.push("lose-request");
  t.same(await log.write(entry("c")), { status: "stored" });
  t.equal(messages.length, 3);
  t.strictSame((await verifyAudit(journal, [])).broken, []);
});

t.test("what cannot be stored is not said to be", async (t) => {
  const { faults, messages, writer } = stream();
  const log = writer("node-1");
  faults.push("full");
  t.match(await log.write(entry("a")), { status: "unavailable", reason: /no room/u });
  faults.push("lose-request", "lose-request", "lose-request");
  t.match(await log.write(entry("b")), { status: "unavailable" });
  t.equal(messages.length, 0);
  t.match(await log.write(entry("c")), { status: "stored" });
});

/** Four entries of one writer. */
const made = async () => {
  const one = stream();
  const log = one.writer("node-1");
  for (const id of ["a", "b", "c", "d"]) await log.write(entry(id));
  return one;
};

t.test("a check names where entries were changed, removed or added, and a cut end", async (t) => {
  const changed = await made();
  const second = changed.messages[1]!;
  changed.messages[1] = { ...second, payload: second.payload.replace("k1", "k2") };
  t.match((await verifyAudit(changed.journal, [])).broken, [{ sequence: 3, why: /before it was changed/u }]);
  const removed = await made();
  removed.messages[1] = undefined;
  t.match((await verifyAudit(removed.journal, [])).broken[0], { sequence: 2, why: /removed/u });
  const added = await made();
  added.messages.push({ ...added.messages[0]!, sequence: 5 });
  t.match((await verifyAudit(added.journal, [])).broken, [{ sequence: 5 }]);
  const junk = await made();
  junk.messages.push({ ...junk.messages[0]!, sequence: 5, payload: "junk" });
  t.match((await verifyAudit(junk.journal, [])).broken, [{ sequence: 5, why: "it is no entry" }]);
  const cut = await made();
  const head = hashOf(cut.messages[3]!.payload);
  t.strictSame((await verifyAudit(cut.journal, [head])).missing, []);
  cut.messages.pop();
  t.strictSame((await verifyAudit(cut.journal, [head])).missing, [head]);
  t.strictSame((await verifyAudit(cut.journal, [])).broken, [], "the chain alone cannot show it");
});

t.test("entries are found by actor and target, newest first, in pages", async (t) => {
  const { messages, writer } = stream();
  const log = writer("node-1");
  for (let n = 1; n <= 120; n++)
    await log.write(entry(`r${n}`, { actor: `k${n % 2}`, target: n % 3 === 0 ? "ord_1/7" : "ord_10" }));
  const all: string[] = [];
  let before: number | undefined;
  do {
    const page = await log.list({ actor: "k1", target: "ord_1", limit: 7, ...(before && { before }) });
    if (page.status !== "found") throw new Error(page.status);
    t.ok(page.items.length <= 7);
    all.push(...page.items.map(({ requestId }) => requestId));
    before = page.next ?? undefined;
  } while (before !== undefined);
  const wanted = Array.from({ length: 120 }, (_, i) => 120 - i).filter((n) => n % 2 === 1 && n % 3 === 0);
  t.strictSame(
    all,
    wanted.map((n) => `r${n}`),
  );
  messages.push({ ...messages[0]!, payload: "junk", sequence: 121 });
  const page = await log.list({ limit: 1 });
  t.match(page, {
    items: [{ requestId: "r120", at: "1970-01-01T00:02:00.000Z", writer: "node-1", sequence: 120 }],
  });
});
