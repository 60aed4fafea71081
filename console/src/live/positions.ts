/** Positions of the topics of a stream: an event's id has one for each topic that has positions, with `~`. Pure. */
import type { Topic } from "./live-state.ts";

/** Whether a stream of this topic can be resumed at a position; the others send what is, from the beginning. */
export const hasPosition = (topic: Topic): boolean => topic === "orders" || topic.startsWith("order:");

/** What each topic has reached, after an event with this id. @param topics as in the request */
export function reachedBy(
  topics: readonly Topic[],
  id: string,
  reached: ReadonlyMap<Topic, string>,
): ReadonlyMap<Topic, string> {
  const positioned = topics.filter(hasPosition);
  const parts = id.split("~");
  if (id === "" || parts.length !== positioned.length) return reached;
  return new Map([...reached, ...positioned.map((topic, at) => [topic, parts[at] ?? ""] as const)]);
}

/** The parameter `after` for a request; undefined when a topic has no position yet: then all begin anew. */
export function resumeAt(topics: readonly Topic[], reached: ReadonlyMap<Topic, string>): string | undefined {
  const positions = topics.filter(hasPosition).map((topic) => reached.get(topic));
  return positions.length === 0 || positions.includes(undefined) ? undefined : positions.join("~");
}
