/** A client of Server-Sent Events: one connection, which it does not make again. */
import type { Test } from "tap";
import { waitUntil } from "../wait-until.ts";

export type ServerEvent = { readonly event: string; readonly id: string | undefined; readonly data: unknown };

export type EventClient = {
  /** All whole events so far, oldest first. */
  readonly events: readonly ServerEvent[];
  /** Everything as it came. */
  text(): string;
  /** Whether the server, or its end, has ended the stream. */
  ended(): boolean;
  close(): void;
};

/** Opens a stream, which is closed with the test. @throws Error when the answer is not 200 */
export async function openEvents(
  t: Test,
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<EventClient> {
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  const answer = await fetch(url, { headers, signal: abort.signal });
  if (answer.status !== 200 || answer.body === null)
    throw new Error(`${answer.status}: ${await answer.text()}`);
  const events: ServerEvent[] = [];
  const state = { text: "", ended: false };
  const read = async (body: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of body) {
      const text = decoder.decode(chunk, { stream: true });
      state.text += text;
      const blocks = `${rest}${text}`.split("\n\n");
      rest = blocks.pop() ?? "";
      events.push(...blocks.flatMap((block) => eventOf(block) ?? []));
    }
  };
  void read(answer.body)
    .catch(() => undefined)
    .finally(() => (state.ended = true));
  return { events, text: () => state.text, ended: () => state.ended, close: () => abort.abort() };
}

function eventOf(block: string): ServerEvent | undefined {
  const fields = new Map(
    block.split("\n").map((line) => {
      const colon = line.indexOf(": ");
      return [line.slice(0, Math.max(0, colon)), line.slice(colon + 2)] as const;
    }),
  );
  const event = fields.get("event");
  if (event === undefined) return undefined;
  return { event, id: fields.get("id"), data: JSON.parse(fields.get("data") ?? "null") };
}

/** Waits for a number of events. */
export async function untilEvents(
  client: EventClient,
  count: number,
  timeoutMs = 20_000,
): Promise<readonly ServerEvent[]> {
  return await waitUntil(
    `${count} events are there`,
    () => (client.events.length >= count ? client.events : undefined),
    { timeoutMs },
  );
}
