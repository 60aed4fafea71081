/** The effects that one tenure has started. All are forgotten together when the tenure ends. */
import { effectKey } from "../actor/cascade.ts";
import type { EffectRun, EffectRunner } from "../effects/effect-runner.ts";
import type { OpenEffect } from "../actor/snapshot.ts";

/** Owns: the keys of the started effects whose outcome is not known. Does not own: the calls (the effect runner). */
export class TenureEffects {
  private readonly effects: EffectRunner;
  private readonly started = new Set<string>();
  private closed = false;

  constructor(effects: EffectRunner) {
    this.effects = effects;
  }

  /**
   * Starts an effect; does nothing once closed.
   * @param resumed an earlier owner may have started it
   * @param done takes the outcome; not called after `close`
   * @param facts of the actor, as acknowledged
   */
  start(actor: string, effect: OpenEffect, resumed: boolean, done: EffectRun["done"], facts?: object): void {
    if (this.closed) return;
    const key = effectKey(actor, effect);
    this.started.add(key);
    this.effects.start({
      actor,
      src: effect.src,
      key,
      input: effect.input,
      ...(facts && { facts }),
      resumed,
      done: (outcome, durationMs) => {
        this.started.delete(key);
        done(outcome, durationMs);
      },
    });
  }

  /** From now on no outcome is delivered and no effect is started: the next owner resumes the open effects. */
  close(): void {
    this.closed = true;
    for (const key of this.started) this.effects.forget(key);
    this.started.clear();
  }
}
