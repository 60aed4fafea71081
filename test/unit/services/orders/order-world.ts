/**
 * One order with its outside systems in memory, driven input by input through the runtime's own cascade. Each of its
 * records is stored and read again.
 */
import type { EventObject } from "xstate";
import type { OrderFacts } from "../../../../machines/order-facts.ts";
import type { Money, OrderInput } from "../../../../machines/types.ts";
import { type Cascade, cascade, effectKey, type Head } from "../../../../src/runtime/actor/cascade.ts";
import { type DryRun, dryRun, type PredictedInput } from "../../../../src/runtime/actor/dry-run.ts";
import { restore } from "../../../../src/runtime/actor/restore.ts";
import type { EffectOutcome, Input } from "../../../../src/runtime/actor/input.ts";
import { type ActorDefinition, EffectError } from "../../../../src/runtime/definition.ts";
import type { OpenEffect, Snapshot, TransitionTaken } from "../../../../src/runtime/actor/snapshot.ts";
import type { Choice } from "../../../../nodes/gateway/pages.ts";
import { memoryDocuments } from "../../../../src/adapters/memory/documents.ts";
import type { OrderView } from "../../../../src/services/orders/contract.ts";
import type { LabelRequest } from "../../../../src/services/fulfillment/carrier.ts";
import { creditNoteInputId, invoiceInputId } from "../../../../src/services/invoice/worker.ts";
import { orderDefinition } from "../../../../src/services/orders/definition.ts";
import { factsOf } from "../../../../src/services/orders/facts.ts";
import { orderView } from "../../../../src/services/orders/view.ts";
import { carrierInMemory } from "../../../support/instant-carrier.ts";
import { orderInput } from "../../machines/order-input.ts";
import { GatewayModel } from "./gateway-model.ts";
import { InventoryModel } from "./inventory-model.ts";
import { mustReadTheSame, recordOf } from "./stored-record.ts";

/** The invoice that every order gets. */
export const invoice = { number: "2026-000001", issuedAt: "2026-11-22T20:00:00.000Z" };

/** The credit note about it. */
export const creditNote = { number: "CN-2026-000001", issuedAt: "2026-11-23T20:00:00.000Z" };

/** The order, its outside systems, and the clock of its timers. */
export class OrderWorld {
  /** ms since the epoch: as late as the latest timer that has fired. */
  now = Date.UTC(2026, 10, 22);
  readonly gateway = new GatewayModel(() => this.now);
  readonly inventory = new InventoryModel();
  readonly documents = memoryDocuments();
  /** Requests for labels so far. */
  readonly labels: LabelRequest[] = [];
  /** No document is found. */
  losesDocuments = false;
  readonly definition: ActorDefinition;
  readonly id: string;
  /** Public events so far, in order. */
  readonly events: EventObject[] = [];
  /** What its records say of the steps of its machines, in order. */
  readonly transitions: TransitionTaken[] = [];
  /** What the last input led to; undefined when nothing took it. */
  last: Cascade | undefined;
  /** Called with every input before it is applied. */
  onInput: ((input: Input) => void) | undefined;
  /** Called with what an input led to. */
  onCascade: ((result: Cascade, input: Input) => void) | undefined;
  private readonly joins: boolean;
  private head: Head | undefined;
  private commands = 0;

  /** @param joins true: the inventory is owned by the same node and decides within the order's commit */
  constructor(
    input: OrderInput = orderInput(),
    options: { joins: boolean; internalEvents?: boolean } = { joins: true },
  ) {
    this.id = input.orderId;
    this.joins = options.joins;
    this.definition = orderDefinition({
      gateway: this.gateway,
      internalEvents: options.internalEvents ?? false,
      inventoryEffects: this.inventory.effects,
      carrier: carrierInMemory(this.labels),
      documents: { get: async (name) => (this.losesDocuments ? undefined : this.documents.get(name)) },
    });
    this.input = input;
  }

  private readonly input: OrderInput;

  get snapshot(): Snapshot {
    if (!this.head) throw new Error("the order is not started");
    return this.head.snapshot;
  }

  get view(): OrderView {
    return orderView(this.id, this.snapshot);
  }

  get eventTypes(): string[] {
    return this.events.map(({ type }) => type);
  }

  get settled(): boolean {
    return this.definition.settled(this.snapshot.machines);
  }

  /** Another owner reads the stored order, after the given change. */
  reload(change: (stored: Snapshot) => Snapshot): void {
    this.head = restore(this.definition, change(this.snapshot), this.snapshot.facts);
  }

  start(): this {
    this.apply({ kind: "start", input: this.input });
    return this;
  }

  /** True when a machine took it. */
  command(machine: string, event: EventObject, commandId = `cmd_${++this.commands}`): boolean {
    return this.apply({ kind: "command", machine, event, commandId });
  }

  cancel(): boolean {
    return this.command("order", { type: "cancel", reason: "changed my mind" } as EventObject);
  }

  step(event: EventObject): boolean {
    return this.command("fulfillment", event);
  }

  /** The invoice worker has stored the document, and notifies the order. */
  issueInvoice(): boolean {
    void this.documents.put(this.id, {
      bytes: Buffer.from(`%PDF-1.3 invoice ${invoice.number}`),
      metadata: { number: invoice.number },
    });
    const event = { type: "invoice.issued", ...invoice };
    return this.apply({ kind: "event", machine: "fulfillment", event, id: invoiceInputId(this.id) });
  }

  /** The customer chooses on the page, and the gateway reports it. False when the page takes no such choice. */
  choose(choice: Choice): boolean {
    const event = this.gateway.choose(this.id, choice);
    if (event) this.apply({ kind: "event", machine: "payment", event, id: `msg_${choice}` });
    return event !== undefined;
  }

  /** A message of an outside system, as its inbox has it. True when a machine took it. */
  outside(machine: string, event: EventObject, id: string): boolean {
    return this.apply({ kind: "event", machine, event, id });
  }

  /** The carrier reports a delivery; of another parcel when the tracking number is another one. */
  carrierDelivers(collected: Money | null, trackingNumber = this.view.fulfillment.trackingNumber): boolean {
    const event = { type: "carrier.delivered", trackingNumber: trackingNumber ?? "none", collected };
    return this.apply({ kind: "event", machine: "fulfillment", event, id: `msg_${++this.commands}` });
  }

  /** The carrier's word about a parcel that does not stay with its receiver. */
  carrierSays(
    word: "refused" | "unclaimed" | "lost" | "returned",
    trackingNumber = this.view.fulfillment.trackingNumber,
  ): boolean {
    const event = { type: `carrier.${word}`, trackingNumber: trackingNumber ?? "none" };
    return this.apply({ kind: "event", machine: "fulfillment", event, id: `msg_${++this.commands}` });
  }

  /** The invoice worker has made the credit note, and notifies the order. */
  issueCreditNote(): boolean {
    const event = { type: "credit_note.issued", ...creditNote, invoice };
    return this.apply({ kind: "event", machine: "fulfillment", event, id: creditNoteInputId(this.id) });
  }

  /** Lets time pass until a timer fires: the one at `index`, by default the one that is due first. */
  elapse(index?: number): boolean {
    const { timers } = this.snapshot;
    const timer = index === undefined ? timers.toSorted((a, b) => a.dueAt - b.dueAt)[0] : timers[index];
    if (!timer) throw new Error(`no timer ${index ?? "at all"}`);
    const { machine, id, generation, dueAt } = timer;
    this.now = Math.max(this.now, dueAt);
    return this.apply({ kind: "timer", machine, timer: id, generation });
  }

  /** Carries out an open effect and delivers its outcome. */
  async perform(effect: OpenEffect): Promise<void> {
    this.finish(effect, await this.outcomeOf(effect));
  }

  /** Carries out an effect without delivering its outcome: the provider did it, and its answer was lost. */
  async outcomeOf(effect: OpenEffect): Promise<EffectOutcome> {
    const handler = this.definition.effects[effect.src];
    if (!handler) throw new Error(`no handler for ${effect.src}`);
    const key = effectKey(this.id, effect);
    const signal = new AbortController().signal;
    try {
      const { facts, id: actor } = this;
      const context = { actor, key, input: effect.input, facts, attempt: 1, resumed: false, signal };
      return { output: await handler.run(context) };
    } catch (error) {
      if (!(error instanceof EffectError)) throw error;
      return { error: { code: error.code, message: error.message, kind: error.kind } };
    }
  }

  finish(effect: OpenEffect, outcome: EffectOutcome): void {
    // Records are JSON: an outcome that JSON changes must not pass here either.
    const stored = JSON.parse(JSON.stringify(outcome)) as EffectOutcome;
    this.apply({ kind: "effect", id: effect.id, generation: effect.generation, outcome: stored });
  }

  fail(effect: OpenEffect, kind: "refused" | "retryable" | "unknown", code = "no_answer"): void {
    this.finish(effect, { error: { code, message: code, kind } });
  }

  /** What is true of the order beside its machines. */
  get facts(): OrderFacts {
    return factsOf(this.snapshot);
  }

  /** The open effect of that source. */
  effect(src: string): OpenEffect {
    const found = this.snapshot.effects.find((effect) => effect.src === src);
    if (!found) throw new Error(`${src} is not open`);
    return found;
  }

  /** Performs effects, fires timers and makes the invoice until none is left. Bounded. */
  async settle(): Promise<this> {
    for (let turns = 0; turns < 200; turns++) {
      const [effect] = this.snapshot.effects;
      if (effect) await this.perform(effect);
      else if (this.view.payment.url !== null && this.choose("pay")) continue;
      else if (this.snapshot.timers.length > 0) this.elapse();
      else if (!this.issueInvoice()) return this;
    }
    throw new Error("the order does not reach a resting state");
  }

  /** Performs effects while a caller waits for them. */
  async settleCaller(): Promise<this> {
    for (let turns = 0; turns < 50 && !this.settled; turns++) {
      const [effect] = this.snapshot.effects;
      if (!effect) throw new Error("nothing is open, and the order is not settled");
      await this.perform(effect);
    }
    return this;
  }

  /** Performs effects only. */
  async performAll(): Promise<this> {
    for (let turns = 0; turns < 50; turns++) {
      const [effect] = this.snapshot.effects;
      if (!effect) return this;
      await this.perform(effect);
    }
    throw new Error("effects do not end");
  }

  /** What an input would do, by the runtime's dry run. */
  predict(input: PredictedInput, outputs: Readonly<Record<string, unknown>> = {}): DryRun {
    return dryRun(this.definition, this.head?.snapshot, input, {
      actor: this.id,
      now: this.now,
      predict: ({ input: asked, src }, key, facts) =>
        outputs[src] !== undefined
          ? { output: outputs[src] }
          : this.joins
            ? this.definition.effects[src]?.join?.predict?.({ actor: this.id, key, input: asked, facts })
            : undefined,
    });
  }

  private apply(input: Input): boolean {
    this.onInput?.(input);
    const result = cascade(this.definition, this.head, input, {
      actor: this.id,
      now: this.now,
      inbox: 0,
      join: ({ input: asked, src }, key, facts) =>
        this.joins
          ? this.definition.effects[src]?.join?.decide({ actor: this.id, key, input: asked, facts })
          : undefined,
    });
    this.last = result;
    if (!result) return false;
    mustReadTheSame(recordOf(result, input, this.id));
    this.head = result.head;
    this.onCascade?.(result, input);
    this.events.push(...result.events);
    this.transitions.push(...result.transitions);
    return true;
  }
}
