/**
 * Asks the nodes of a cluster whether each has stopped to use the older keys of a customer, before they are deleted.
 * Owns the subject `personal.<node>` of its node.
 */
import type { Bus, Subscription } from "../../runtime/ports.ts";
import type { PersonalData } from "./personal-data.ts";

/** How long a node may take to answer, ms: a call that places an order waits that long at most, by default. */
const ANSWER_MS = 12_000;

const subjectOf = (node: string): string => `personal.${node}`;

/** The node answers when it is drained. The requests carry a customer's hash. */
export function serveDrain(bus: Bus, node: string, personal: PersonalData): Promise<Subscription> {
  return bus.serve(subjectOf(node), async (hash) => {
    await personal.drained(hash);
    return "drained";
  });
}

/**
 * Asks all of these nodes at once.
 * @param nodes present nodes that seal personal data, this one included
 * @returns whether each has answered in time; one that has ended meanwhile has not
 */
export async function areDrained(bus: Bus, nodes: readonly string[], hash: string): Promise<boolean> {
  const answers = await Promise.all(nodes.map((node) => bus.request(subjectOf(node), hash, ANSWER_MS)));
  return answers.every(({ status }) => status === "answered");
}
