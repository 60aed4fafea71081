/** Nodes with equal and with other settings: who starts, who says that it differs, and how settings change. */
import t from "tap";
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { type Fault, MemoryServer, type Operation } from "../../../../src/adapters/memory/server.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { SettingsAgreement } from "../../../../src/runtime/cluster/settings-agreement.ts";
import { readSettings, type StoredSettings } from "../../../../src/runtime/cluster/shared-settings.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { firstOf } from "../../../support/faults/first-fault.ts";
import { outcomeOf } from "../../../support/outcome-of.ts";
import { silent } from "../commit/relay-stage.ts";

const EVERY_MS = 500;
const KEY = `$KV.${subjects.buckets.settings}.shared`;

type Own = { readonly values?: Record<string, string>; readonly secret?: string; readonly replaces?: number };

function agreementStage() {
  const clock = new VirtualClock();
  const faults: ((operation: Operation) => Fault | undefined)[] = [];
  const server = new MemoryServer({ subjects, clock, latencyMs: () => 1, faults: firstOf(faults) });
  const log = server.log(`KV_${subjects.buckets.settings}`);
  /** Ids of the nodes that run. */
  const running = new Set<string>();
  let ids = 0;
  const outcome = (promise: Promise<unknown>) => outcomeOf(clock, promise);
  return {
    clock,
    faults,
    running,
    bucket: memoryNode(server, "an operator").settings,
    outcome,
    revision: (): number => log.last(KEY)?.sequence ?? 0,
    stored: (): StoredSettings | undefined => readSettings(log.last(KEY)?.payload ?? ""),
    node(name: string, { values = { TAX: "2300" }, secret = "s", replaces }: Own = {}) {
      const own = clock.process();
      let digested = 0;
      const agreement = new SettingsAgreement({
        shared: {
          values,
          digests: async (salt) => {
            digested++;
            return { SECRET: `${secret} with ${salt}` };
          },
          replaces,
        },
        node: name,
        bucket: memoryNode(server, name, own).settings,
        clock: own,
        ids: { next: () => `salt${++ids}` },
        log: silent,
        everyMs: EVERY_MS,
        others: () => [...running].filter((id) => id !== name),
      });
      const start = async (): Promise<void> => {
        await agreement.join();
        running.add(name);
        await agreement.start().catch((error: unknown) => {
          running.delete(name);
          throw error;
        });
      };
      return {
        agreement,
        digested: () => digested,
        beginStart: start,
        start: () => outcome(start()),
        end: () => {
          running.delete(name);
          own.end();
        },
      };
    },
  };
}

t.test("the first node writes the settings, and nodes with the same ones start and stay", async (t) => {
  const s = agreementStage();
  const nodes = ["one", "two", "three"].map((name) => s.node(name));
  for (const node of nodes) t.equal(await node.start(), undefined);
  t.match(s.stored(), {
    values: { TAX: "2300" },
    digests: { SECRET: "s with salt1" },
    salt: "salt1",
    node: "one",
  });
  const revision = s.revision();
  await s.clock.advance(20 * EVERY_MS);
  t.equal(s.revision(), revision, "it is written once");
  for (const node of nodes) {
    t.equal(node.agreement.state().status, "equal");
    t.equal(node.digested(), 1, "a digest is computed once");
  }
});

t.test(
  "a node with another setting does not start beside others: the refusal names it and both sides",
  async (t) => {
    const s = agreementStage();
    await s.node("one", { values: { TAX: "2300", SELLER: "" } }).start();
    const refusal = await s.node("two", { values: { TAX: "600", SELLER: "Shop" } }).start();
    t.match(refusal, { name: "SettingsDiffer" });
    for (const part of [
      /set by one at 20..-..-..T/u,
      /TAX is 600 here, 2300 in the cluster/u,
      /SELLER is Shop here, "" in the cluster/u,
      /stop all nodes \(now: one\)/u,
      new RegExp(`ORDERLY_SETTINGS_CHANGE=${s.revision()}`, "u"),
    ])
      t.match(refusal?.message, part);
    t.match(s.stored(), { values: { TAX: "2300" } }, "and changes nothing");
  },
);

t.test("of a secret, a refusal says only that it differs", async (t) => {
  const s = agreementStage();
  await s.node("one", { secret: "first-secret" }).start();
  const refusal = await s.node("two", { secret: "other-secret" }).start();
  t.match(refusal?.message, /SECRET is another one here than in the cluster \(its value is secret\)/u);
  t.notMatch(refusal?.message, /first-secret|other-secret|salt1/u);
});

t.test("without another node, a node replaces the settings without ceremony", async (t) => {
  const s = agreementStage();
  const one = s.node("one");
  await one.start();
  one.end();
  t.equal(await s.node("one", { values: { TAX: "600" }, secret: "new" }).start(), undefined);
  t.match(s.stored(), { values: { TAX: "600" }, digests: { SECRET: "new with salt1" }, salt: "salt1" });
  t.equal(s.stored()?.former, undefined, "no node runs with the former ones");
  t.equal(await s.node("two", { values: { TAX: "600" }, secret: "new" }).start(), undefined);
  t.match(await s.node("three").start(), { name: "SettingsDiffer" });
});

t.test("nodes that start together with new settings all start, whichever is first", async (t) => {
  for (let delayMs = 0; delayMs <= 8; delayMs++) {
    const s = agreementStage();
    const old = s.node("one");
    await old.start();
    old.end();
    const starts = [];
    for (const name of ["one", "two", "three"]) {
      starts.push(s.outcome(s.node(name, { values: { TAX: "600" } }).beginStart()));
      await s.clock.advance(delayMs);
    }
    t.same(await Promise.all(starts), [undefined, undefined, undefined], `${delayMs} ms apart`);
    t.match(s.stored(), { values: { TAX: "600" } });
  }
});

t.test(
  "of two first nodes with other settings, at least one does not start or says that it differs",
  async (t) => {
    for (let delayMs = 0; delayMs <= 12; delayMs++) {
      const s = agreementStage();
      const [a, b] = [s.node("one", { values: { TAX: "600" } }), s.node("two", { values: { TAX: "700" } })];
      const first = s.outcome(a.beginStart());
      await s.clock.advance(delayMs);
      const ends = [await first, await s.outcome(b.beginStart())];
      await s.clock.advance(2 * EVERY_MS);
      const right = [a, b].filter(
        ({ agreement }, index) => ends[index] === undefined && agreement.state().status === "equal",
      );
      t.equal(right.length, 1, `${delayMs} ms apart: ${ends.map(String).join("; ")}`);
    }
  },
);

t.test(
  "settings change while nodes run: one node after the other, with the number that the refusal names",
  async (t) => {
    const s = agreementStage();
    const [one, two] = [s.node("one"), s.node("two")];
    await one.start();
    await two.start();
    const replaces = s.revision();
    const changed = { values: { TAX: "600" }, replaces };
    one.end();
    t.match(await s.node("one", { ...changed, replaces: replaces - 1 }).start(), { name: "SettingsDiffer" });
    t.equal(await s.node("one", changed).start(), undefined);
    await s.clock.advance(2 * EVERY_MS);
    t.match(two.agreement.state(), {
      status: "outdated",
      detail: /start this node again .*TAX is 2300 here, 600 in/u,
    });
    t.match(
      await s.node("three").start(),
      { name: "SettingsDiffer" },
      "no node starts with the former settings",
    );
    two.end();
    t.equal(await s.node("two", changed).start(), undefined, "the same number does for every node");
    await s.clock.advance(2 * EVERY_MS);
    t.match(
      await s.node("three", { values: { TAX: "700" }, replaces }).start(),
      { name: "SettingsDiffer" },
      "and for no later change",
    );
  },
);

t.test(
  "a node that finds other settings between its comparison and its announcement does not take part",
  async (t) => {
    const s = agreementStage();
    const { agreement } = s.node("one");
    t.equal(await s.outcome(agreement.join()), undefined);
    await s.outcome(s.bucket.put("shared", JSON.stringify({ ...s.stored(), values: { TAX: "700" } })));
    t.match(await s.outcome(agreement.start()), {
      name: "SettingsDiffer",
      message: /TAX is 2300 here, 700 in/u,
    });
  },
);

t.test("a running node says that it differs while it does, and that it does not any more", async (t) => {
  const s = agreementStage();
  const one = s.node("one");
  await one.start();
  const before = s.stored();
  const other = { ...before, values: { TAX: "700" }, node: "two" };
  await s.outcome(s.bucket.put("shared", JSON.stringify(other)));
  await s.clock.advance(EVERY_MS + 10);
  t.match(one.agreement.state(), {
    status: "different",
    detail: /TAX is 2300 here, 700 in the cluster \(set by two/u,
  });
  s.faults.push(({ kind }) => (kind === "bucket_read" ? { lose: "request" } : undefined));
  await s.clock.advance(20 * EVERY_MS);
  t.equal(one.agreement.state().status, "different", "a server that does not answer changes nothing");
  s.faults.length = 0;
  await s.outcome(s.bucket.put("shared", JSON.stringify(before)));
  await s.clock.advance(10 * EVERY_MS);
  t.equal(one.agreement.state().status, "equal");
});

t.test("an entry that is deleted or damaged is written again by a node that agreed with it", async (t) => {
  for (const text of [
    undefined,
    "",
    "{",
    "[]",
    '{"values":{"TAX":7}}',
    '{"values":{},"digests":{},"salt":1}',
  ]) {
    const s = agreementStage();
    const one = s.node("one");
    await one.start();
    await s.outcome(text === undefined ? s.bucket.delete("shared") : s.bucket.put("shared", text));
    t.equal(s.stored(), undefined);
    await s.clock.advance(EVERY_MS + 20);
    t.match(s.stored(), { values: { TAX: "2300" }, salt: "salt1" }, text ?? "deleted");
    t.equal(await s.node("two").start(), undefined);
    t.match(await s.node("three", { values: { TAX: "1" } }).start(), { name: "SettingsDiffer" });
  }
});

t.test(
  "settings that only one side knows are of another version, are kept, and are compared once both know them",
  async (t) => {
    const s = agreementStage();
    await s.node("old").start();
    t.equal(await s.node("new", { values: { TAX: "2300", NEW: "1" } }).start(), undefined);
    t.match(s.stored(), { values: { TAX: "2300", NEW: "1" }, node: "old" });
    t.equal(await s.node("old-2").start(), undefined);
    t.match(s.stored(), { values: { NEW: "1" } });
    t.match(await s.node("new-2", { values: { TAX: "2300", NEW: "2" } }).start(), { name: "SettingsDiffer" });
  },
);

t.test("a lost answer to the first write changes nothing: the entry is there", async (t) => {
  const s = agreementStage();
  let left = 2;
  s.faults.push(({ kind }) => (kind === "bucket_write" && left-- > 0 ? { lose: "answer" } : undefined));
  t.equal(await s.node("one").start(), undefined);
  t.equal(await s.node("two").start(), undefined);
});

t.test("a node that cannot read the settings does not start", async (t) => {
  const s = agreementStage();
  s.faults.push(({ kind }) => (kind === "bucket_read" ? { lose: "request" } : undefined));
  t.match(await s.node("one").start(), { name: "Unavailable" });
});
