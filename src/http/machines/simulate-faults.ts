/** Rules of a simulation that its schema cannot express in clear words: which fields belong together. */
import type { Fault } from "../protocol/faults.ts";
import type { Simulate } from "./schemas.ts";

const together: readonly (readonly [first: string, others: readonly string[], oneOf: readonly string[]])[] = [
  ["orderId", ["version"], ["version"]],
  ["kind", ["input"], []],
  ["event", ["machine", "data"], []],
  ["effect", ["output", "error"], ["output", "error"]],
  ["timer", [], []],
];

/** Faults in the order of the body. */
export function simulateFaults({ from, steps }: Simulate): Fault[] {
  return [
    ...faultsWithin("/from", from, ["orderId", "kind"]),
    ...steps.flatMap((step, at) => faultsWithin(`/steps/${at}`, step, ["event", "effect", "timer"])),
  ];
}

/** An object has one of its kinds, what that needs, and nothing of another one. */
function faultsWithin(pointer: string, given: object, kinds: readonly string[]): Fault[] {
  const fields = Object.keys(given);
  const [kind, ...more] = kinds.filter((one) => fields.includes(one));
  if (kind === undefined) return [{ pointer, code: "required", message: `needs one of ${kinds.join(", ")}` }];
  const [, allowed = [], needed = []] = together.find(([first]) => first === kind) ?? [];
  const faults = [
    ...more,
    ...fields.filter((field) => !kinds.includes(field) && !allowed.includes(field)),
  ].map(
    (field): Fault => ({
      pointer: `${pointer}/${field}`,
      code: "not_allowed",
      message: `is not taken together with ${kind}`,
    }),
  );
  const found = needed.filter((one) => fields.includes(one)).length;
  if (needed.length > 0 && found !== 1)
    faults.push({ pointer, code: "required", message: `${kind} needs ${needed.join(" or ")}` });
  return faults;
}
