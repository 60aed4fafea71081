/**
 * Takes the fingerprint of a definition as it is in memory, and compares it with the committed ones. Pure.
 * It sees what the machines state as data: states, events, timers, invocations, listeners. It does not see functions
 * (conditions, actions, delays, inputs) nor payloads of events; the fields of contexts and inputs are in committed
 * fingerprints only, taken there from the types of the sources.
 */
import type { ActorDefinition, MachineEntry } from "../definition.ts";
import { missingRules } from "./carry-over.ts";
import {
  definitionDifferences,
  type DefinitionFingerprint,
  type Fingerprints,
  machineDifferences,
  type MachineFingerprint,
  type StateFingerprint,
  WHOLE_MACHINE,
} from "../fingerprints.ts";

/** This program's definition is not the one that its version stands for. Not retryable. */
export class DefinitionChanged extends Error {
  override readonly name = "DefinitionChanged";
}

/** One versioned part of a definition, with its fingerprint. */
export type VersionedPart = {
  /** Its key among the stored ones: `definition.1`, `machine.payment.2`. */
  readonly key: string;
  /** For people: `payment version 2`. */
  readonly what: string;
  readonly fingerprint: DefinitionFingerprint | MachineFingerprint;
};

/** Where a difference is explained and repaired. */
const REMEDY = "raise the version and write a migration, see docs/evolution.md";

/** The fingerprint of a machine, without what only the types of its sources say. */
export function machineFingerprint({ machine }: Pick<MachineEntry, "machine">): MachineFingerprint {
  const states: Record<string, StateFingerprint> = {};
  const visit = (node: typeof machine.root): void => {
    states[node.path.join(".") || WHOLE_MACHINE] = stateFingerprint(node);
    for (const child of Object.values(node.states)) visit(child);
  };
  visit(machine.root);
  return { states };
}

function stateFingerprint(node: MachineEntry["machine"]["root"]): StateFingerprint {
  const on = [...node.transitions.keys()].filter((type) => !type.startsWith("xstate.")).toSorted();
  const timers = node.after.map(({ eventType }) => String(eventType)).toSorted();
  const invokes = node.invoke.map(({ id, src }) => [id, typeof src === "string" ? src : id] as const);
  return {
    ...(node.type === "final" || node.type === "parallel" ? { type: node.type } : {}),
    ...(on.length > 0 ? { on } : {}),
    ...(timers.length > 0 ? { timers } : {}),
    ...(invokes.length > 0 ? { invokes: Object.fromEntries(invokes) } : {}),
  };
}

/** The fingerprint of a definition without its machines. */
export function definitionFingerprint({
  machines,
  listens,
}: Pick<ActorDefinition, "machines" | "listens">): DefinitionFingerprint {
  return { machines: Object.keys(machines), listens };
}

/**
 * Compares a definition with its committed fingerprints, if it has some.
 * @returns every versioned part with its fingerprint, with the fields of contexts and inputs where they are committed
 * @throws DefinitionChanged naming the first difference
 */
export function versionedParts(definition: ActorDefinition): VersionedPart[] {
  const { fingerprints, machines, version = 1 } = definition;
  const own = definitionFingerprint(definition);
  const what = `definition version ${version}`;
  const committed = fingerprints?.definition[version];
  if (fingerprints && !committed) throw notCommitted(what);
  if (committed) refuse(what, definitionDifferences(committed, own));
  const parts: VersionedPart[] = [{ key: `definition.${version}`, what, fingerprint: own }];
  for (const [name, entry] of Object.entries(machines)) parts.push(machinePart(definition, name, entry));
  return parts;
}

function machinePart({ fingerprints }: ActorDefinition, name: string, entry: MachineEntry): VersionedPart {
  const what = `${name} version ${entry.version}`;
  const committed = fingerprints?.machines[name]?.[entry.version];
  if (fingerprints && !committed) throw notCommitted(what);
  const own = machineFingerprint(entry);
  if (committed) refuse(what, machineDifferences(committed, own));
  checkRules(name, entry, fingerprints?.machines[name] ?? {});
  return { key: `machine.${name}.${entry.version}`, what, fingerprint: { ...committed, ...own } };
}

/** Every step between two committed versions says what becomes of open timers and invocations. */
function checkRules(name: string, entry: MachineEntry, versions: Fingerprints["machines"][string]): void {
  for (let from = 1; from < entry.version; from++) {
    const [before, after] = [versions[from], versions[from + 1]];
    if (!before || !after || !entry.migrations?.[from]) continue;
    const [fault, ...others] = missingRules(before, after, entry.renames?.[from]);
    if (fault === undefined) continue;
    const more = others.length > 0 ? ` (and ${others.length} more)` : "";
    throw new DefinitionChanged(
      `${name} version ${from + 1}: ${fault}${more}; say in renames[${from}] what becomes of it, see docs/evolution.md`,
    );
  }
}

/**
 * Compares a part with what the cluster has under the same version.
 * @param found as it was stored; @param by the node that stored it
 * @throws DefinitionChanged naming the first difference
 */
export function comparePart(
  { what, fingerprint }: VersionedPart,
  found: VersionedPart["fingerprint"],
  by: string,
): void {
  const differences =
    "states" in fingerprint && "states" in found
      ? machineDifferences(found, fingerprint)
      : "listens" in fingerprint && "listens" in found
        ? definitionDifferences(found, fingerprint)
        : [];
  refuse(what, differences, ` in this program, and node ${by} has started this version in the cluster`);
}

function refuse(what: string, [first, ...others]: readonly string[], where = ""): void {
  if (first === undefined) return;
  const more = others.length > 0 ? ` (and ${others.length} more)` : "";
  throw new DefinitionChanged(`${what}: ${first}${where}${more}; ${REMEDY}`);
}

function notCommitted(what: string): DefinitionChanged {
  return new DefinitionChanged(`${what}: it has no committed fingerprint; add it, see docs/evolution.md`);
}
