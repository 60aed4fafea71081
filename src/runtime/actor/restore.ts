/** Makes the state of an actor in memory from its stored record, whichever version of the definition wrote it. */
import type { ActorDefinition, MachineState } from "../definition.ts";
import { carriedOver, mustBeExpected } from "./carry-over.ts";
import type { Head } from "./cascade.ts";
import { initialState, type Live, MachineFault, migrate, NewerMachine, restoreMachine } from "./machine.ts";
import type { Facts, Snapshot, StoredSnapshot } from "./snapshot.ts";

/** The part of a definition that stored states are read with. */
export type ReadingRules = Pick<ActorDefinition, "version" | "machines" | "facts">;

/**
 * Reads an actor's stored snapshot under a definition: migrates its machines, renames its open timers and effects,
 * starts machines that the definition has gained, removes machines that it has lost. Pure: nothing is stored.
 * @param facts as the actor's last message about them has them; absent: none was stored
 * @throws MachineFault when no migration leads to this definition; NewerMachine when a newer program wrote the snapshot
 */
export function storedState(definition: ReadingRules, snapshot: StoredSnapshot, facts?: Facts): Snapshot {
  const { version = 1 } = definition;
  const { definition: writtenBy = 1 } = snapshot;
  if (writtenBy > version) {
    throw new NewerMachine(`stored by version ${writtenBy} of the definition, this node runs ${version}`);
  }
  const stored: Record<string, MachineState> = {};
  for (const [name, state] of Object.entries(snapshot.machines)) {
    const entry = definition.machines[name];
    if (entry) stored[name] = migrate(name, entry, state, snapshot.machines);
    else mustBeDropped(name, snapshot, writtenBy < version);
  }
  const { facts: storedFacts, ...rest } = snapshot;
  const { effects, timers: renamed } = carriedOver(definition, rest);
  const machines: Record<string, MachineState> = {};
  for (const [name, entry] of Object.entries(definition.machines))
    machines[name] = stored[name] ?? initialState(name, entry, stored);
  const timers = renamed.filter(({ machine }) => machines[machine] !== undefined);
  const known = factsOf(definition, rest, storedFacts, facts);
  return { ...rest, machines, effects, timers, ...(known && { facts: known }) };
}

/**
 * Restores an actor from its stored snapshot, ready for its next input. Pure: the next record stores the result.
 * @param facts as the actor's last message about them has them; absent: none was stored
 * @throws MachineFault when no migration leads to this definition, or when the actor waits for a timer or an effect
 *   that this definition does not know; NewerMachine when a newer program wrote the snapshot
 */
export function restore(definition: ActorDefinition, stored: StoredSnapshot, facts?: Facts): Head {
  const snapshot = storedState(definition, stored, facts);
  const { effects, machines, timers } = snapshot;
  const live = new Map<string, Live>();
  for (const [name, entry] of Object.entries(definition.machines)) {
    const open = effects.filter((effect) => effect.machine === name && !effect.abandoned);
    live.set(
      name,
      restoreMachine(
        entry,
        machines[name]!,
        open.map((effect) => effect.invocation),
      ),
    );
  }
  mustBeExpected(definition, live, { effects, timers });
  return { snapshot, live };
}

/** Checks that a machine that this definition does not have may be removed. @throws NewerMachine, MachineFault */
function mustBeDropped(name: string, { effects }: StoredSnapshot, older: boolean): void {
  if (!older) throw new NewerMachine(`machine ${name} is not known to this node`);
  if (!effects.some(({ machine }) => machine === name)) return;
  throw new MachineFault(`machine ${name} was removed from the definition while one of its effects is open`);
}

/**
 * The facts of a stored actor. Version 0: an earlier definition stored them in its machines' states, and the next
 * record stores them apart. @throws MachineFault when they are not those of the record
 */
function factsOf(
  { facts: rules }: ReadingRules,
  { machines }: Pick<StoredSnapshot, "machines">,
  named: StoredSnapshot["facts"],
  stored: Facts | undefined,
): Facts | undefined {
  if (!rules) return undefined;
  if (named === undefined) return { version: 0, data: rules.split(machines) };
  if (stored?.version === named.version) return stored;
  const found = stored ? `version ${stored.version}` : "none";
  throw new MachineFault(
    `the record goes with version ${named.version} of its facts, and ${found} is stored`,
  );
}
