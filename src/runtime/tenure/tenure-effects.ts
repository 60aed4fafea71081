/** The effects that one tenure has started: forgotten together when it ends. */
import { effectKey } from "../actor/cascade.ts";
import type { EffectOutcome } from "../actor/input.ts";
import type { EffectRunner } from "../effects/effect-runner.ts";
import type { OpenEffect } from "../actor/snapshot.ts";

export class TenureEffects {
  private readonly effects: EffectRunner;
  /** Keys of the effects whose outcome is not known. */
  private readonly started = new Set<string>();
  private closed = false;

  constructor(effects: EffectRunner) {
    this.effects = effects;
  }

  /** @param resumed an earlier owner may have started it */
  start(actor: string, effect: OpenEffect, resumed: boolean, done: (outcome: EffectOutcome) => void): void {
    if (this.closed) return;
    const key = effectKey(actor, effect);
    this.started.add(key);
    this.effects.start({
      actor,
      src: effect.src,
      key,
      input: effect.input,
      resumed,
      done: (outcome) => {
        this.started.delete(key);
        done(outcome);
      },
    });
  }

  /** No outcome is delivered and nothing is started any more: what is open is for the next owner. */
  close(): void {
    this.closed = true;
    for (const key of this.started) this.effects.forget(key);
    this.started.clear();
  }
}
