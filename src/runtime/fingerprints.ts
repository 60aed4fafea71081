/**
 * Fingerprints: what of a definition stored actors depend on, part by part, so that a difference can be named. Pure.
 * They are committed by version (`machines/fingerprints.json` for orders) and stored in the bucket of definitions:
 * the field names are a format.
 */

/** One state of a machine, as far as stored actors depend on it. A list that is empty is absent. */
export type StateFingerprint = {
  /** `final` or `parallel`. */
  readonly type?: string;
  /** Types of the events that a transition of this state takes. Sorted. */
  readonly on?: readonly string[];
  /** Ids of its timers, as open timers have them in records. Sorted. */
  readonly timers?: readonly string[];
  /** The `src` of its invocations by their ids. */
  readonly invokes?: Readonly<Record<string, string>>;
};

/** One version of one machine. */
export type MachineFingerprint = {
  /** By path from the machine: `packed.labelling`. The machine itself is {@link WHOLE_MACHINE}. */
  readonly states: Readonly<Record<string, StateFingerprint>>;
  /**
   * Fields of the context with their kinds, `total?.amount: number`. From the types of the sources: a running program
   * cannot see them, and takes them from the committed fingerprint. Absent: unknown.
   */
  readonly context?: readonly string[];
  /** Fields of the inputs of the effects, by `src`; from the types of the sources too. Absent: unknown. */
  readonly inputs?: Readonly<Record<string, readonly string[]>>;
};

/** One version of a definition: which machines there are, and who listens to whom. */
export type DefinitionFingerprint = {
  readonly machines: readonly string[];
  readonly listens: Readonly<Record<string, readonly string[]>>;
};

/** Every committed fingerprint, by version. Earlier versions stay as long as migrations lead away from them. */
export type Fingerprints = {
  readonly definition: Readonly<Record<string, DefinitionFingerprint>>;
  readonly machines: Readonly<Record<string, Readonly<Record<string, MachineFingerprint>>>>;
};

/** The path under which a fingerprint has what belongs to the whole machine. */
export const WHOLE_MACHINE = "(machine)";

/**
 * What `after` has changed against `before`, each as a sentence without an end; empty when they are equal. What is gone
 * comes first. Parts that one of the two does not know are not compared.
 */
export function machineDifferences(before: MachineFingerprint, after: MachineFingerprint): string[] {
  const states = [...new Set([...Object.keys(before.states), ...Object.keys(after.states)])];
  return [
    ...listDifferences("state", Object.keys(before.states), Object.keys(after.states)),
    ...states.flatMap((path) => stateDifferences(path, before.states[path], after.states[path])),
    ...fieldDifferences("context field", before.context, after.context),
    ...inputDifferences(before.inputs, after.inputs),
  ];
}

/** The same for two fingerprints of a definition. */
export function definitionDifferences(before: DefinitionFingerprint, after: DefinitionFingerprint): string[] {
  const types = [...new Set([...Object.keys(before.listens), ...Object.keys(after.listens)])];
  return [
    ...listDifferences("machine", before.machines, after.machines),
    ...types.flatMap((type) =>
      listDifferences(`listener of event ${type},`, before.listens[type] ?? [], after.listens[type] ?? []),
    ),
    ...types
      .filter((type) => sameMembers(before.listens[type], after.listens[type]))
      .filter((type) => String(before.listens[type]) !== String(after.listens[type]))
      .map((type) => `the listeners of event ${type} get it in another order`),
  ];
}

function stateDifferences(
  path: string,
  before: StateFingerprint | undefined,
  after: StateFingerprint | undefined,
): string[] {
  // A state that is gone or new is one difference and not many.
  if (!before || !after) return [];
  const at = path === WHOLE_MACHINE ? "" : ` of state ${path}`;
  const [invokedBefore, invokedAfter] = [before.invokes ?? {}, after.invokes ?? {}];
  return [
    ...listDifferences(`event${at},`, before.on ?? [], after.on ?? []),
    ...listDifferences(`timer${at},`, before.timers ?? [], after.timers ?? []),
    ...listDifferences(`invocation${at},`, Object.keys(invokedBefore), Object.keys(invokedAfter)),
    ...Object.entries(invokedBefore)
      .filter(([id, src]) => invokedAfter[id] !== undefined && invokedAfter[id] !== src)
      .map(([id, src]) => `invocation ${id}${at} has src ${invokedAfter[id]} and not ${src}`),
    ...(before.type === after.type
      ? []
      : [`state ${path} is ${after.type ?? "an ordinary one"} and not ${before.type ?? "an ordinary one"}`]),
  ];
}

function inputDifferences(
  before: MachineFingerprint["inputs"],
  after: MachineFingerprint["inputs"],
): string[] {
  if (!before || !after) return [];
  return Object.keys(before).flatMap((src) =>
    fieldDifferences(`input field of effect ${src},`, before[src], after[src]),
  );
}

function fieldDifferences(
  what: string,
  before: readonly string[] | undefined,
  after: readonly string[] | undefined,
): string[] {
  return before && after ? listDifferences(what, before, after) : [];
}

/** @param what ends with a comma when the name of the part follows as an apposition */
function listDifferences(what: string, before: readonly string[], after: readonly string[]): string[] {
  const named = (part: string): string => (what.endsWith(",") ? `${what} ${part},` : `${what} ${part}`);
  return [
    ...before.filter((part) => !after.includes(part)).map((part) => `${named(part)} is gone`),
    ...after.filter((part) => !before.includes(part)).map((part) => `${named(part)} is new`),
  ];
}

function sameMembers(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}
