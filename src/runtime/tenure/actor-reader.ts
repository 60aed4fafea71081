/**
 * Reads the acknowledged state of actors. An actor that is not in memory is loaded by a read.
 * Owns nothing. Does not own: the activations, the list of parked actors.
 */
import type { ActorReply } from "../actors.ts";
import type { Activation } from "./activation.ts";
import type { ActivationCache } from "./activation-cache.ts";
import type { InputProcessor } from "./input-processor.ts";
import { MachineFault } from "../actor/machine.ts";
import type { ParkedRegistry } from "./parked-actors.ts";
import { type Replies, notFound, notOwner, unreadableKind, unreadableReply } from "./replies.ts";
import type { Snapshot } from "../actor/snapshot.ts";

/** What an actor reader needs. */
export type ActorReaderOptions = {
  readonly activations: ActivationCache;
  readonly processor: InputProcessor;
  readonly parked: ParkedRegistry;
  readonly replies: Replies;
  readonly ended: () => boolean;
};

/** See the top of this file. */
export class ActorReader {
  private readonly options: ActorReaderOptions;

  constructor(options: ActorReaderOptions) {
    this.options = options;
  }

  /**
   * The acknowledged state. An actor that is not in memory is loaded, and its open effects are resumed: the owner that
   * opened them may be gone. Of a parked actor: its last good state. An actor that cannot be read is `unavailable`;
   * nothing is stored about it.
   * @param atLeast the actor has a record at this sequence or later: an older reading is rejected
   * @throws Unavailable (retryable)
   */
  async read(actor: string, atLeast = 0): Promise<ActorReply> {
    const { activations, ended, parked, processor, replies } = this.options;
    if (parked.get(actor)) return await this.lastGood(actor);
    const activation = activations.activation(actor);
    if (!activation.isLoaded()) {
      let snapshot: Snapshot | undefined;
      try {
        snapshot = await processor.loader.fetch(activation, atLeast);
      } catch (error) {
        if (ended()) return notOwner;
        if (error instanceof MachineFault) return this.unreadable(activation, error);
        // It was created for this read only.
        if (activation.isBlank()) activations.delete(activation);
        throw error;
      }
      if (ended()) return notOwner;
      if (!activation.isLoaded()) return snapshot ? replies.ok(snapshot, false, 0) : notFound;
      processor.loadEnded(activation);
    }
    return activation.acked ? replies.ok(activation.acked, false, activation.sequence) : notFound;
  }

  private unreadable(activation: Activation, error: MachineFault): ActorReply {
    const { parked, processor } = this.options;
    if (!parked.get(activation.actor)) processor.unreadable(activation, error);
    const quarantined = parked.get(activation.actor);
    return quarantined ? parked.reply(quarantined) : notOwner;
  }

  private async lastGood(actor: string): Promise<ActorReply> {
    const { activations, parked, processor, replies } = this.options;
    const quarantined = parked.get(actor);
    if (quarantined?.state === "newer" || quarantined?.state === "unreadable")
      return parked.reply(quarantined);
    try {
      const { head, sequence } = await processor.loader.stored(actor, activations.knownOf(actor));
      return head ? replies.ok(head.snapshot, false, sequence) : notFound;
    } catch (error) {
      if (!(error instanceof MachineFault)) throw error;
      return unreadableReply(unreadableKind(error), error.message, true);
    }
  }
}
