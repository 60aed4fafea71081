/** Activations in every phase, for the tests of the state machine. */
import type { Head } from "../../../../src/runtime/actor/cascade.ts";
import type { OpenEffect, Snapshot } from "../../../../src/runtime/actor/snapshot.ts";
import { Activation } from "../../../../src/runtime/tenure/activation.ts";
import { fireAndForget, type PendingInput } from "../../../../src/runtime/tenure/pending-input.ts";

export const snapshot = (version: number, effects: readonly OpenEffect[] = []): Snapshot => ({
  machines: {},
  version,
  inbox: 0,
  commands: [],
  effects,
  timers: [],
  createdAt: 0,
  updatedAt: 0,
});
export const headOf = (version: number, effects?: readonly OpenEffect[]): Head => ({
  snapshot: snapshot(version, effects),
  live: new Map(),
});
export const openEffect: OpenEffect = {
  id: "m.job",
  machine: "m",
  invocation: "job",
  src: "job",
  input: 0,
  generation: 7,
};
export const event = (inbox = 0): PendingInput =>
  fireAndForget({ kind: "event", machine: "m", event: { type: "e" }, id: `e${inbox}` }, inbox);
export const outcome = fireAndForget({ kind: "effect", id: "m.job", generation: 7, outcome: { output: 1 } });
export const command: PendingInput = {
  ...fireAndForget({ kind: "command", machine: "m", event: { type: "c" }, commandId: "c" }),
  reply: () => {},
};

export const ready = (effects?: readonly OpenEffect[]): Activation => {
  const activation = new Activation("a");
  activation.take(headOf(1, effects), 10);
  return activation;
};
export const blocked = (): Activation => {
  const activation = ready();
  activation.submit(headOf(2), []);
  activation.block();
  return activation;
};
/** Replaces an activation with this number of commits that are not resolved. */
export const replacing = (commits: number): Activation => {
  const activation = ready();
  for (let i = 0; i < commits; i++) activation.submit(headOf(2 + i), []);
  activation.retire();
  return Activation.replace(activation);
};
export const retired = (commits = 0): Activation => {
  const activation = ready();
  for (let i = 0; i < commits; i++) activation.submit(headOf(2 + i), []);
  activation.retire();
  return activation;
};
export const after = <T>(subject: T, act: (subject: T) => void): T => {
  act(subject);
  return subject;
};
