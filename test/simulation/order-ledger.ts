/** What the log has of one order: its records, and its hold. */
import type { ActorRecord, Facts, Snapshot } from "../../src/runtime/actor/snapshot.ts";
import type { StoredHold } from "../../src/services/inventory/stored.ts";
import { type OrderMachines, orderMachinesOf, orderStatus } from "../../src/services/orders/status.ts";

/** The inputs that the probe of an order has taken. */
export type Probed = readonly string[];

/**
 * The state of a snapshot as text, with the facts. The inbox offset is left out: an input that changed nothing raises
 * it in memory.
 */
export function textOf({ facts, ...snapshot }: Snapshot): string {
  // A program of the next version has migrated the probe in memory, which changes nothing else of it.
  const { probe, ...others } = snapshot.machines;
  const machines = { ...others, probe: { ...probe, version: 0 } };
  return JSON.stringify({ ...snapshot, machines, inbox: 0, facts });
}

/** See the top of the file. */
export class OrderLedger {
  readonly id: string;
  readonly partition: number;
  readonly records: ActorRecord[] = [];
  readonly holds: StoredHold[] = [];
  /** By their version less one. */
  readonly facts: Facts[] = [];
  /** Sources of the effects that a record has opened. */
  readonly opened = new Set<string>();
  private readonly texts: string[] = [];

  constructor(id: string, partition: number) {
    this.id = id;
    this.partition = partition;
  }

  get last(): ActorRecord | undefined {
    return this.records.at(-1);
  }

  get hold(): StoredHold | undefined {
    return this.holds.at(-1);
  }

  get machines(): OrderMachines | undefined {
    const { last } = this;
    return last && orderMachinesOf(last.snapshot.machines);
  }

  get status(): string {
    const { machines } = this;
    return machines ? orderStatus(machines) : "never stored";
  }

  get probed(): Probed {
    return probedIn(this.last);
  }

  /** The state of a version as text. */
  text(version: number): string {
    const { facts: named, ...snapshot } = (this.records[version - 1] as ActorRecord).snapshot;
    const facts = this.facts[(named?.version ?? 0) - 1];
    return (this.texts[version - 1] ??= textOf({ ...snapshot, ...(facts && { facts }) }));
  }
}

/** The inputs that the probe has taken up to a record. */
export function probedIn(record: ActorRecord | undefined): Probed {
  const state = record?.snapshot.machines["probe"];
  return (state?.context as { seen?: Probed } | undefined)?.seen ?? [];
}
