import { fromPromise, type PromiseActorLogic } from "xstate";
import type { EffectFailure } from "./types.ts";

/**
 * Represents a call to an outside system in a machine's `actors`: gives `invoke` its types and its place in the chart.
 * Never runs, because pure transitions drive the machines; running it is a programmer fault.
 */
export function effect<Output, Input extends object>(): PromiseActorLogic<Output, Input> {
  return fromPromise<Output, Input>(() =>
    Promise.reject(new Error("an effect is carried out by the runtime")),
  );
}

/**
 * The failure in an `onError` event. A failure without the expected form counts as `unknown`, the careful reading: the
 * call may have been carried out.
 */
export function failureOf(error: unknown): EffectFailure {
  if (typeof error === "object" && error !== null && "kind" in error && "code" in error) {
    return error as EffectFailure;
  }
  return { code: "unknown", message: String(error), kind: "unknown" };
}
