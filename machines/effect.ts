import { fromPromise } from "xstate";
import type { PromiseActorLogic } from "xstate";
import type { EffectFailure } from "./types.ts";

/**
 * Stands for a call to the outside in a machine's `actors`: gives `invoke` its types and its place in the chart.
 * It is never run, because the machines are driven by pure transitions; running it is a programmer fault.
 */
export function effect<Output, Input extends object>(): PromiseActorLogic<Output, Input> {
  return fromPromise<Output, Input>(() =>
    Promise.reject(new Error("an effect is carried out by the runtime")),
  );
}

/**
 * The failure in an `onError` event. A failure without the expected form counts as `unknown`: the call may have
 * been carried out, which is the careful reading.
 */
export function failureOf(error: unknown): EffectFailure {
  if (typeof error === "object" && error !== null && "kind" in error && "code" in error) {
    return error as EffectFailure;
  }
  return { code: "unknown", message: String(error), kind: "unknown" };
}
