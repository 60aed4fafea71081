/** What the states of the order's machines say about themselves is complete, typed, and fits their charts. */
import t from "tap";
import type { AnyStateMachine } from "xstate";
import { fulfillmentMachine } from "../../../machines/fulfillment.ts";
import { fulfillmentTexts } from "../../../machines/fulfillment-texts.ts";
import { transitTexts } from "../../../machines/fulfillment-transit-texts.ts";
import { orderMachine } from "../../../machines/order.ts";
import { orderTexts } from "../../../machines/order-texts.ts";
import { paymentMachine } from "../../../machines/payment.ts";
import { hostedTexts, reversalTexts, watchTexts } from "../../../machines/payment-nested-texts.ts";
import { paymentRules } from "../../../machines/payment-rules.ts";
import { paymentTexts } from "../../../machines/payment-texts.ts";
import type { Awaited, StateMeaning, StateMeta } from "../../../machines/state-meta.ts";
import { machineFingerprint } from "../../../src/runtime/actor/fingerprint.ts";
import { statesOf } from "../../../src/runtime/actor/machine.ts";

type Node = AnyStateMachine["root"];

const machines: Readonly<Record<string, AnyStateMachine>> = {
  order: orderMachine,
  payment: paymentMachine,
  fulfillment: fulfillmentMachine,
};

const within = (state: string, texts: Readonly<Record<string, StateMeta>>): [string, StateMeta][] =>
  Object.entries(texts).map(([path, meta]) => [`${state}.${path}`, meta]);

/** Every text that is written, by the state that has to have it. */
const written: Readonly<Record<string, Readonly<Record<string, StateMeta>>>> = {
  order: orderTexts,
  payment: Object.fromEntries([
    ...Object.entries(paymentTexts),
    ...within("hosted", hostedTexts),
    ...within("reversing", reversalTexts),
    ...within("watching", watchTexts),
  ]),
  fulfillment: { ...fulfillmentTexts, ...transitTexts },
};

const meanings: Readonly<Record<StateMeaning, true>> = {
  moving: true,
  person: true,
  time: true,
  held: true,
  failed: true,
  unknown: true,
  done: true,
  ended: true,
};

const awaited: Readonly<Record<Awaited, true>> = {
  effect: true,
  timer: true,
  event: true,
  person: true,
  customer: true,
  nothing: true,
};

/** All states of a machine, nested ones included, without the machine itself. */
const inside = (machine: AnyStateMachine): Node[] => [...statesOf(machine.root)].slice(1);

const pathOf = (node: Node): string => node.path.join(".");

const metaOf = (node: Node): Partial<StateMeta> => (node.meta ?? {}) as Partial<StateMeta>;

/** Outcomes of calls, in time or late, that the state itself takes. */
const takesOutcome = (node: Node): boolean =>
  node.ownEvents.some((type) => /^(?:xstate\.(?:done|error)\.actor|effect\.late)\./u.test(type));

for (const [name, machine] of Object.entries(machines)) {
  t.test(`every state of the ${name} machine has its texts, and every text its state`, async (t) => {
    const found = Object.fromEntries(inside(machine).map((node) => [pathOf(node), node.meta as unknown]));
    t.strictSame(found, { ...written[name] });
  });

  t.test(`the texts of the ${name} machine are sentences, and each says something of its own`, async (t) => {
    const said = new Map<string, string>();
    for (const node of inside(machine)) {
      const { meaning, awaits, waitsFor = "", says = "" } = metaOf(node);
      const path = pathOf(node);
      t.ok(meaning !== undefined && meanings[meaning], `${path} has a meaning`);
      t.ok(awaits !== undefined && awaited[awaits], `${path} awaits something that is known`);
      for (const text of [waitsFor, says]) t.match(text, /^[A-Z][^.?!]{15,118}\.$/u, path);
      t.notMatch(says, /machine|commit|effect|event|stored/u, `${path} speaks to a customer`);
      t.equal(waitsFor.startsWith("Nothing; "), awaits === "nothing", `${path}: ${waitsFor}`);
      for (const text of awaits === "nothing" ? [says] : [says, waitsFor]) {
        t.equal(said.get(text), undefined, `${path} does not repeat another state: ${text}`);
        said.set(text, path);
      }
    }
  });

  t.test(`what the states of the ${name} machine await is what their charts take`, async (t) => {
    for (const node of inside(machine)) {
      const { meaning, awaits } = metaOf(node);
      const path = pathOf(node);
      const nested = Object.values(node.states);
      if (node.type === "final") {
        t.equal(awaits, "nothing", `${path} is final`);
        t.ok(meaning === "done" || meaning === "failed" || meaning === "ended", `${path} is final`);
      }
      if (nested.length > 0) continue;
      if (takesOutcome(node)) t.equal(awaits, "effect", `${path} waits for a call`);
      else t.not(awaits, "effect", `${path} waits for no call`);
      if (awaits === "timer") t.ok(node.after.length > 0, `${path} has a timer of its own`);
      if (node.ownEvents.includes("retry")) t.equal(meaning, "held", `${path} takes an operator's retry`);
      if (meaning === "held" && awaits === "timer")
        t.ok(node.after.length > 0, `${path} tries again by itself`);
    }
  });
}

t.test("every meaning, and everything that can be awaited, is used by some state", async (t) => {
  const all = Object.values(machines).flatMap((machine) => inside(machine).map(metaOf));
  t.strictSame(new Set(all.map(({ meaning }) => meaning)), new Set(Object.keys(meanings)));
  t.strictSame(new Set(all.map(({ awaits }) => awaits)), new Set(Object.keys(awaited)));
});

/** A machine of one state that says this. */
const saying = (says: string) =>
  paymentRules.createMachine({
    context: () => ({ orderId: "ord_1", method: "async", attempt: 1, tries: 0 }) as never,
    initial: "idle",
    states: { idle: { meta: { ...paymentTexts.idle, says } } },
  });

t.test("a state with other texts has the same fingerprint", async (t) => {
  t.strictSame(
    machineFingerprint({ machine: saying("One text.") }),
    machineFingerprint({ machine: saying("Another text.") }),
  );
});

t.test("the compiler rejects a state with a text of another form", async (t) => {
  // @ts-expect-error what a state says is text
  t.ok(paymentRules.createStateConfig({ meta: { ...paymentTexts.idle, says: 1 } }));
  // @ts-expect-error the meaning is one of a list
  t.ok(paymentRules.createStateConfig({ meta: { ...paymentTexts.idle, meaning: "busy" } }));
});
