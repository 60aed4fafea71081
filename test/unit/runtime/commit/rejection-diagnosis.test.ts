/** What a rejected batch means: every state of two subjects and two locks, and each layer with the others at rest. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import { RecordHeader } from "../../../../src/runtime/actor/snapshot.ts";
import { composeBatch } from "../../../../src/runtime/commit/batch.ts";
import { type Diagnosis, diagnose } from "../../../../src/runtime/commit/rejection-diagnosis.ts";
import type { WriteSet } from "../../../../src/runtime/commit/write-set.ts";
import {
  type Journal,
  ReplicaLagging,
  type StoredMessage,
  Unavailable,
} from "../../../../src/runtime/ports.ts";
import { type Write, writeSetOf } from "./relay-stage.ts";

const partition = { subject: subjects.lock("partition.0"), epoch: 11 };
const inventory = { subject: subjects.lock("inventory.0"), epoch: 12 };
const both = [partition, inventory];
const record = (actor: string) => subjects.record(0, actor);
const { hold } = inventorySubjects;

const write = (commit: string, more: Partial<Write> = {}): WriteSet =>
  writeSetOf({ commit, actor: commit.slice(0, 1), sequence: 5, locks: [partition], ...more });
/** The real shape: an order's record and its hold, under two locks. */
const order = (commit: string, more: Partial<Write> = {}): WriteSet =>
  write(commit, { hold: { sequence: 6 }, locks: both, ...more });
const dependent = { sequence: undefined };

/** Sequence and commit of a subject's last message; absent: there is none. */
type Stored = Readonly<Record<string, readonly [sequence: number, commit: string]>>;
const LOCKS: Stored = { [partition.subject]: [11, ""], [inventory.subject]: [12, ""] };

type Request = { readonly asked: readonly string[]; readonly through: number };

const unused = (): Promise<never> => Promise.reject(new Error("not needed here"));

function journalOf(stored: Stored, requests: Request[] = []): Journal {
  return {
    append: unused,
    readLast: unused,
    readLastPerSubject: unused,
    readAll: unused,
    time: unused,
    state: unused,
    readAt: unused,
    consume: unused,
    readLastTogether: (asked, through) => {
      requests.push({ asked, through });
      const last = asked.flatMap((subject): [string, StoredMessage][] => {
        const [sequence, commit] = stored[subject] ?? [];
        if (sequence === undefined) return [];
        const headers: Record<string, string> = commit ? { [RecordHeader.commit]: commit } : {};
        return [[subject, { subject, sequence, at: 0, headers, payload: "" }]];
      });
      return Promise.resolve({ last: new Map(last), through: 1000 });
    },
  };
}

async function found(
  writeSets: readonly WriteSet[],
  stored: Stored,
  queued: readonly WriteSet[] = [],
): Promise<Diagnosis | undefined> {
  const batch = composeBatch(writeSets, new Map(), new Set(), subjects);
  return diagnose(batch, queued, journalOf({ ...LOCKS, ...stored }), false);
}

const commits = (writeSets: readonly WriteSet[] = []): string[] => writeSets.map(({ commit }) => commit);

/** The outcome in short: stored, fenced and lockMoved by commit, moved locks by resource. */
function short(diagnosis: Diagnosis | undefined): unknown {
  if (!diagnosis) return undefined;
  const { stored, fenced, lockMoved, movedLocks } = diagnosis;
  return {
    stored: commits(stored),
    fenced: commits(fenced),
    lockMoved: commits(lockMoved),
    moved: movedLocks.map((lock) => subjects.lockParts(lock.subject).resource),
  };
}

const FOREIGN = "of another writer";
/** What a subject of `a1` may end with, its expected sequence being `at`. */
const ends = {
  "as expected": (at: number) => [at, "before"],
  ours: (at: number) => [at + 100, "a1"],
  "ours, a later one of the batch": (at: number) => [at + 100, "a2"],
  "of another writer": (at: number) => [at + 100, FOREIGN],
  "without a commit": (at: number) => [at + 100, ""],
  gone: () => undefined,
} as const satisfies Record<string, (at: number) => readonly [number, string] | undefined>;

t.test("an order with its hold under two locks: every state of both subjects and both locks", async (t) => {
  const names = Object.keys(ends) as (keyof typeof ends)[];
  for (const recordEnds of names) {
    for (const holdEnds of names) {
      for (const moved of [[], [partition], [inventory], both]) {
        const stored: Record<string, readonly [number, string]> = { ...LOCKS };
        const [r, h] = [ends[recordEnds](5), ends[holdEnds](6)];
        if (r) stored[record("a")] = r;
        if (h) stored[hold("a")] = h;
        for (const { subject, epoch } of moved) stored[subject] = [epoch + 200, ""];
        const result = await found([order("a1"), order("a2", { ...dependent, hold: dependent })], stored);

        const states = [recordEnds, holdEnds];
        const second = states.includes("ours, a later one of the batch");
        const first = second || states.includes("ours");
        const overtaken = states.some((state) => !state.startsWith("ours") && state !== "as expected");
        const rest = ["a1", "a2"].slice(second ? 2 : first ? 1 : 0);
        const why = moved.length > 0 ? "lockMoved" : overtaken ? "fenced" : "retried";
        const expected = {
          stored: ["a1", "a2"].slice(0, second ? 2 : first ? 1 : 0),
          fenced: why === "fenced" ? rest : [],
          lockMoved: why === "lockMoved" ? rest : [],
          moved: moved.map((lock) => subjects.lockParts(lock.subject).resource),
        };
        const explained = first || (why !== "retried" && rest.length > 0);
        const title = `record ${recordEnds}, hold ${holdEnds}, moved: ${expected.moved.join(" and ") || "none"}`;
        t.same(short(result), explained ? expected : undefined, title);
        if (!result) continue;
        const ours = [
          ...(recordEnds.startsWith("ours") ? [[record("a"), 105]] : []),
          ...(holdEnds.startsWith("ours") ? [[hold("a"), 106]] : []),
        ];
        t.same([...result.sequences], ours, `${title}: sequences`);
        t.equal(result.lastSequence, Math.max(0, ...ours.map(([, at]) => Number(at))), title);
      }
    }
  }
});

t.test(
  "each layer refuses alone: the order's record, its hold, the partition's lock, the inventory's",
  async (t) => {
    const fits: Stored = { [record("a")]: [5, "before"], [hold("a")]: [6, "before"] };
    const layers: Readonly<Record<string, readonly [Stored, "fenced" | "lockMoved"]>> = {
      "the record": [{ [record("a")]: [50, FOREIGN] }, "fenced"],
      "the hold": [{ [hold("a")]: [50, FOREIGN] }, "fenced"],
      "the lock of the partition": [{ [partition.subject]: [50, ""] }, "lockMoved"],
      "the lock of the inventory": [{ [inventory.subject]: [50, ""] }, "lockMoved"],
    };
    for (const [what, [changed, why]] of Object.entries(layers)) {
      const result = await found([order("a1")], { ...fits, ...changed });
      t.same(commits(result?.[why]), ["a1"], what);
      t.equal(commits(result?.fenced).length + commits(result?.lockMoved).length, 1, what);
      t.same(
        result?.movedLocks,
        both.filter(({ subject }) => subject in changed),
        what,
      );
    }
    t.equal(await found([order("a1")], fits), undefined, "where everything fits, nothing is explained");
  },
);

t.test("one of several locks moved: only the write sets that name it are dropped", async (t) => {
  const fits: Stored = {
    [record("a")]: [5, ""],
    [hold("a")]: [6, ""],
    [record("b")]: [5, ""],
    [record("c")]: [5, ""],
  };
  const other = { subject: subjects.lock("partition.1"), epoch: 9 };
  const writeSets = [order("a1"), write("b1"), write("c1", { locks: [other] })];
  const outcome = async (subject: string) =>
    short(await found(writeSets, { ...fits, [other.subject]: [9, ""], [subject]: [50, ""] }));
  const nothing = { stored: [], fenced: [] };
  t.same(await outcome(inventory.subject), { ...nothing, lockMoved: ["a1"], moved: ["inventory.0"] });
  t.same(await outcome(partition.subject), { ...nothing, lockMoved: ["a1", "b1"], moved: ["partition.0"] });
  t.same(await outcome(other.subject), { ...nothing, lockMoved: ["c1"], moved: ["partition.1"] });
});

t.test("what was stored before its lock moved counts as stored, and the lock is reported", async (t) => {
  const result = await found([order("a1"), order("b1")], {
    [record("a")]: [60, FOREIGN],
    [hold("a")]: [41, "a1"],
    [record("b")]: [5, ""],
    [hold("b")]: [6, ""],
    [partition.subject]: [50, ""],
  });
  t.same(short(result), { stored: ["a1"], fenced: [], lockMoved: ["b1"], moved: ["partition.0"] });
  t.same([...(result?.sequences ?? [])], [[hold("a"), 41]], "the record ends with another writer's commit");
});

t.test("a queued write set that shared an earlier batch is found, with those before it", async (t) => {
  const queued = [
    order("b1"),
    write("a2", dependent),
    order("a3", { ...dependent, hold: dependent }),
    write("a4", dependent),
  ];
  const result = await found([order("a1")], { [record("a")]: [70, "a3"], [hold("a")]: [71, "a3"] }, queued);
  t.same(commits(result?.stored), ["a1", "a2", "a3"], "in order, without other orders and later ones");
  t.equal(result?.lastSequence, 71);
  const part = await found([order("a1")], { [record("a")]: [70, "a2"], [hold("a")]: [66, "a1"] }, queued);
  t.equal(part?.lastSequence, 70, "the highest, whichever subject has it");
  t.same(commits(part?.stored), ["a1", "a2"]);
  t.same(
    [...(part?.sequences ?? [])],
    [
      [record("a"), 70],
      [hold("a"), 66],
    ],
  );
});

t.test("what was stored is reported in the order of the batch, not by subject", async (t) => {
  const writeSets = [order("a1"), order("b1"), order("a2", { ...dependent, hold: dependent })];
  const result = await found(writeSets, {
    [record("a")]: [43, "a2"],
    [hold("a")]: [44, "a2"],
    [record("b")]: [41, "b1"],
    [hold("b")]: [42, "b1"],
  });
  t.same(commits(result?.stored), ["a1", "b1", "a2"]);
  t.equal(result?.lastSequence, 44);
});

t.test("only write sets of the batch are dropped: queued ones are not judged", async (t) => {
  const stored = { [record("a")]: [50, FOREIGN], [inventory.subject]: [60, ""] } as const;
  const result = await found([order("a1")], stored, [order("b1"), write("a2", dependent)]);
  t.same([...commits(result?.lockMoved), ...commits(result?.fenced)], ["a1"]);
});

t.test(
  "the reading covers every fence and lock together, and is at the highest expected sequence",
  async (t) => {
    const requests: Request[] = [];
    const asked = [record("a"), hold("a"), record("b"), partition.subject, inventory.subject];
    const read = async (sequences: [number, number, number], believeOld: boolean) => {
      const writeSets = [
        order("a1", { sequence: sequences[0], hold: { sequence: sequences[1] } }),
        write("b1", { sequence: sequences[2] }),
      ];
      const batch = composeBatch(writeSets, new Map(), new Set(), subjects);
      await diagnose(batch, [], journalOf(LOCKS, requests), believeOld);
    };
    await read([5, 6, 7], false);
    await read([50, 6, 7], false);
    await read([5, 60, 7], false);
    await read([5, 6, 70], false);
    await read([50, 60, 70], true);
    t.same(
      requests.map(({ through }) => through),
      [12, 50, 60, 70, 0],
    );
    for (const request of requests) t.same(request.asked.toSorted(), asked.toSorted());
  },
);

/** A journal whose readings fail. */
function failing(why: Error): Journal {
  const readLastTogether = async (): Promise<never> => {
    throw why;
  };
  return { ...journalOf({}), readLastTogether };
}

t.test("no reading, or one that is too old, explains nothing; another error is a fault", async (t) => {
  const batch = composeBatch([order("a1")], new Map(), new Set(), subjects);
  for (const error of [new Unavailable("no answer in time"), new ReplicaLagging("too old")])
    t.equal(await diagnose(batch, [], failing(error), false), undefined);
  await t.rejects(diagnose(batch, [], failing(new TypeError("fault")), false), TypeError);
});
