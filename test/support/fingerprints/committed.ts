/** The committed fingerprints of orders: as the sources have them now, and brought up to them. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { definitionFingerprint, machineFingerprint } from "../../../src/runtime/actor/fingerprint.ts";
import type { ActorDefinition } from "../../../src/runtime/definition.ts";
import {
  definitionDifferences,
  type DefinitionFingerprint,
  type Fingerprints,
  machineDifferences,
  type MachineFingerprint,
} from "../../../src/runtime/fingerprints.ts";
import { machineTypes } from "./source-types.ts";

const FILE = fileURLToPath(new URL("../../../machines/fingerprints.json", import.meta.url));
const BIOME = fileURLToPath(new URL("../../../node_modules/.bin/biome", import.meta.url));

/** One part as the sources have it: the definition, or one machine. */
export type CurrentPart = { readonly name: string; readonly version: number } & (
  | { readonly kind: "definition"; readonly fingerprint: DefinitionFingerprint }
  | { readonly kind: "machine"; readonly fingerprint: MachineFingerprint }
);

/** Every part of the definition of orders, with the fields that the types of the sources say. */
export function currentParts(definition: ActorDefinition): CurrentPart[] {
  const types = machineTypes("src/services/orders/definition.ts", "orderMachines");
  const machines = Object.entries(definition.machines).map(([name, entry]): CurrentPart => {
    const { context = [], inputs: all = {} } = types[name] ?? {};
    const own = machineFingerprint(entry);
    const srcs = new Set(Object.values(own.states).flatMap(({ invokes = {} }) => Object.values(invokes)));
    const inputs = Object.fromEntries(Object.entries(all).filter(([src]) => srcs.has(src)));
    return { kind: "machine", name, version: entry.version, fingerprint: { ...own, context, inputs } };
  });
  const { version = 1 } = definition;
  const fingerprint = definitionFingerprint(definition);
  return [{ kind: "definition", name: "definition", version, fingerprint }, ...machines];
}

/** What is committed. */
export function readCommitted(): Fingerprints {
  return JSON.parse(readFileSync(FILE, "utf8")) as Fingerprints;
}

/** Writes the file as the formatter would. */
export function writeCommitted(fingerprints: Fingerprints): void {
  writeFileSync(FILE, `${JSON.stringify(fingerprints, null, 2)}\n`);
  const { status, stderr } = spawnSync(BIOME, ["format", "--write", FILE], { encoding: "utf8" });
  if (status !== 0) throw new Error(`the file could not be formatted: ${stderr}`);
}

/** What the part differs in from its committed fingerprint; `undefined` when its version is not committed. */
export function differences(committed: Fingerprints, part: CurrentPart): string[] | undefined {
  if (part.kind === "definition") {
    const before = committed.definition[part.version];
    return before && definitionDifferences(before, part.fingerprint);
  }
  const before = committed.machines[part.name]?.[part.version];
  return before && machineDifferences(before, part.fingerprint);
}

/** The committed fingerprints with this part instead of what its version has. Other versions stay. */
export function withPart(committed: Fingerprints, part: CurrentPart): Fingerprints {
  const { definition, machines } = committed;
  if (part.kind === "definition") {
    return { machines, definition: { ...definition, [part.version]: part.fingerprint } };
  }
  const versions = { ...machines[part.name], [part.version]: part.fingerprint };
  return { definition, machines: { ...machines, [part.name]: versions } };
}
