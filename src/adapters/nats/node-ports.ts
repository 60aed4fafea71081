/** What a node reaches through its connection: the streams and buckets of its application. */
import type { NodePorts } from "../../runtime/node-options.ts";
import { natsBucket } from "./bucket.ts";
import { natsBus } from "./bus.ts";
import { natsJournal } from "./journal.ts";
import type { NatsLink } from "./link.ts";
import {
  definitionsBucket,
  floorsBucket,
  nodesBucket,
  settingsBucket,
  type StreamSettings,
} from "./stream-definitions.ts";
import { ensureStreams } from "./streams.ts";

/** The part of a node's ports that is on the server. */
export type ServerPorts = Pick<
  NodePorts,
  "journals" | "bus" | "nodes" | "checkpoints" | "definitions" | "settings"
>;

/**
 * Makes the streams and buckets that are missing, checks those that exist, and opens them.
 * @throws StreamIncompatible (not retryable, says what differs); Unavailable (retryable)
 */
export async function natsPorts(link: NatsLink, settings: StreamSettings): Promise<ServerPorts> {
  await ensureStreams(link, settings);
  return {
    journals: settings.subjects.streams(settings.streams).map((stream) => natsJournal(link, stream)),
    bus: natsBus(link),
    nodes: natsBucket(link, nodesBucket(settings)),
    checkpoints: natsBucket(link, floorsBucket(settings)),
    definitions: natsBucket(link, definitionsBucket(settings)),
    settings: natsBucket(link, settingsBucket(settings)),
  };
}
