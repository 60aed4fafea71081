/** The committed fingerprints of orders, held to the sources. */
import t from "tap";
import {
  DefinitionChanged,
  machineFingerprint,
  versionedParts,
} from "../../src/runtime/actor/fingerprint.ts";
import type { ActorDefinition, MachineEntry, MachineState } from "../../src/runtime/definition.ts";
import {
  definitionDifferences,
  machineDifferences,
  type MachineFingerprint,
} from "../../src/runtime/fingerprints.ts";
import { currentParts, differences, readCommitted, withPart } from "../support/fingerprints/committed.ts";
import { OrderWorld } from "../unit/services/orders/order-world.ts";

const { definition } = new OrderWorld();
const parts = currentParts(definition);
const committed = readCommitted();

t.test("every version stands for what is committed; else raise it, and run: npm run fingerprints", (t) => {
  for (const part of parts) {
    const found = differences(committed, part);
    t.ok(found, `${part.name} version ${part.version} is committed`);
    t.same(found, [], `${part.name} version ${part.version}: raise the version, see docs/evolution.md`);
  }
  t.same(definition.fingerprints, committed, "the definition has the committed ones");
  t.end();
});

t.test(
  "fields of contexts and of the inputs of effects are committed, from the types of the sources",
  (t) => {
    const { context = [], inputs = {} } = committed.machines["fulfillment"]?.[2] ?? {};
    t.ok(context.includes("trackingNumber?: string"));
    t.ok(context.includes("total?.amount: number"), "fields inside of fields");
    t.ok(committed.machines["order"]?.[2]?.context?.includes("lines[].quantity: number"), "and of lists");
    t.same(inputs["handOverParcel"], ["orderId: string", "trackingNumber: string"]);
    for (const part of parts) {
      if (part.kind !== "machine") continue;
      t.ok((part.fingerprint.context ?? []).length > 0, `${part.name} has a context`);
      for (const [src, fields] of Object.entries(part.fingerprint.inputs ?? {})) t.ok(fields.length > 0, src);
    }
    t.end();
  },
);

const entryOf = (name: string): MachineEntry => {
  const entry = definition.machines[name];
  if (!entry) throw new Error(`no machine ${name}`);
  return entry;
};

/** The same definition with another machine, made of a changed configuration, under the same version. */
function withConfig(name: string, change: (config: string) => string): ActorDefinition {
  const entry = entryOf(name);
  const text = change(
    JSON.stringify(entry.machine.config, (_, value: unknown) =>
      typeof value === "function" ? undefined : value,
    ),
  );
  const machine = entry.machine.provide({});
  const changed = new (machine.constructor as new (...args: unknown[]) => typeof machine)(
    JSON.parse(text),
    machine.implementations,
  );
  return { ...definition, machines: { ...definition.machines, [name]: { ...entry, machine: changed } } };
}

t.test("a program whose state, timer or event has changed under the same version does not start", (t) => {
  const changes: [string, (config: string) => string, RegExp][] = [
    [
      "fulfillment",
      (config) => config.replaceAll("quality_checked", "checked"),
      /^fulfillment version \d+: state quality_checked is gone \(and \d+ more\); raise the version and write a migration, see docs\/evolution\.md$/u,
    ],
    [
      "payment",
      (config) => config.replaceAll('"deadline"', '"payBy"'),
      /^payment version \d+: timer of state hosted\.pending, xstate\.after\.deadline\.payment\.hosted\.pending, is gone/u,
    ],
    [
      "order",
      (config) => config.replaceAll('"payment.expired"', '"payment.lapsed"'),
      /^order version \d+: event of state authorizing, payment\.expired, is gone/u,
    ],
    [
      "fulfillment",
      (config) => config.replaceAll('"src":"handOverParcel"', '"src":"consign"'),
      /^fulfillment version \d+: invocation handOverParcel of state shipping\.consigning has src consign/u,
    ],
  ];
  for (const [name, change, message] of changes) {
    t.throws(() => versionedParts(withConfig(name, change)), { name: "DefinitionChanged", message });
  }
  const listens = { ...definition.listens, "order.closed": ["payment"] };
  t.throws(
    () => versionedParts({ ...definition, listens }),
    /^definition version \d+: listener of event order\.closed, fulfillment, is gone/u,
  );
  t.doesNotThrow(() => versionedParts(withConfig("order", (config) => config)));
  t.end();
});

t.test("a timer that the next version does not have needs a rule, or no node starts", (t) => {
  const { payment, ...others } = withConfig("payment", (config) =>
    config.replaceAll('"deadline"', '"payBy"'),
  ).machines;
  if (!payment || !definition.fingerprints) throw new Error("no payment");
  const { version } = payment;
  const raised = (renames?: MachineEntry["renames"]): ActorDefinition => {
    const migrations = { ...payment.migrations, [version]: (state: MachineState) => state };
    const next = { ...payment, version: version + 1, migrations, ...(renames ? { renames } : {}) };
    const machines = { ...committed.machines };
    machines["payment"] = { ...machines["payment"], [version + 1]: machineFingerprint(next) };
    return {
      ...definition,
      fingerprints: { ...committed, machines },
      machines: { ...others, payment: next },
    };
  };
  const gone = "xstate.after.deadline.payment.hosted.pending";
  t.throws(
    () => versionedParts(raised()),
    new RegExp(`^payment version ${version + 1}: timer ${gone} is gone, and open actors wait for it`, "u"),
  );
  const timers = { [gone]: "xstate.after.payBy.payment.hosted.pending" };
  t.doesNotThrow(() => versionedParts(raised({ [version]: { timers } })));
  t.throws(() => versionedParts(raised({ [version]: { timers: { [gone]: "elsewhere" } } })), /is not there/u);
  t.end();
});

t.test("a version without a committed fingerprint does not start", (t) => {
  const raised = { ...entryOf("payment"), version: 99 };
  const machines = { ...definition.machines, payment: raised };
  t.throws(() => versionedParts({ ...definition, machines }), DefinitionChanged);
  t.throws(() => versionedParts({ ...definition, machines }), /payment version 99: it has no committed/u);
  t.throws(
    () => versionedParts({ ...definition, version: 99 }),
    /definition version 99: it has no committed/u,
  );
  const { fingerprints, ...library } = { ...definition, machines };
  t.ok(fingerprints);
  t.equal(versionedParts(library).length, 4, "a definition without committed ones is free");
  t.end();
});

const renamed = (fields: readonly string[] = []): string[] =>
  fields.map((field) => field.replace("trackingNumber", "tracking"));

t.test("a renamed field of a context or of an effect's input is a difference", (t) => {
  const before = committed.machines["fulfillment"]?.[2];
  if (!before) throw new Error("not committed");
  const after: MachineFingerprint = { ...before, context: renamed(before.context) };
  t.same(machineDifferences(before, after), [
    "context field trackingNumber?: string is gone",
    "context field tracking?: string is new",
  ]);
  const inputs = { ...before.inputs, handOverParcel: renamed(before.inputs?.["handOverParcel"]) };
  t.same(machineDifferences(before, { ...before, inputs }), [
    "input field of effect handOverParcel, trackingNumber: string, is gone",
    "input field of effect handOverParcel, tracking: string, is new",
  ]);
  const { context, ...unknown } = before;
  t.ok(context);
  t.same(machineDifferences(before, unknown), [], "what one side does not know is not compared");
  t.end();
});

t.test("the order of an event's listeners is part of the fingerprint", (t) => {
  const before = { machines: ["a", "b"], listens: { x: ["a", "b"] } };
  t.same(definitionDifferences(before, before), []);
  t.same(definitionDifferences(before, { ...before, listens: { x: ["b", "a"] } }), [
    "the listeners of event x get it in another order",
  ]);
  t.end();
});

t.test("a new version is added to the committed ones, and earlier versions stay", (t) => {
  const [, order] = parts;
  if (order?.kind !== "machine") throw new Error("no machine");
  const next = withPart(committed, { ...order, version: 99 });
  t.same(Object.keys(next.machines["order"] ?? {}), [
    ...Object.keys(committed.machines["order"] ?? {}),
    "99",
  ]);
  t.same(next.machines["payment"], committed.machines["payment"]);
  t.same(next.definition, committed.definition);
  t.end();
});
