/**
 * One node's connection to the server in memory.
 * Everything that reaches the node runs on the node's own clock: a paused node receives nothing until it is resumed, an
 * ended one never.
 */
import type { Clock } from "../../runtime/ports.ts";
import type { Fault, MemoryServer, Operation } from "./server.ts";

/**
 * `up`: works. `cut`: nothing gets through, but neither side has noticed; requests to the node run into their time
 * limits. `deaf`: what the node sends arrives, and nothing reaches it; `mute`: the reverse. `down`: both sides
 * have noticed; requests to the node find no responders.
 */
export type LinkState = "up" | "cut" | "deaf" | "mute" | "down";

/** The connection, its state and its faults. */
export class MemoryLink {
  readonly server: MemoryServer;
  readonly node: string;
  readonly clock: Clock;
  private current: LinkState = "up";
  private readonly listeners = new Set<(state: LinkState) => void>();

  constructor(server: MemoryServer, node: string, clock: Clock) {
    this.server = server;
    this.node = node;
    this.clock = clock;
  }

  get state(): LinkState {
    return this.current;
  }

  /** Whether the node believes that it is connected. */
  connected(): boolean {
    return this.current !== "down";
  }

  /** What the node sends reaches the server. */
  sends(): boolean {
    return this.current === "up" || this.current === "deaf";
  }

  /** What the server sends reaches the node. */
  hears(): boolean {
    return this.current === "up" || this.current === "mute";
  }

  /** Calls the listener at every change, until the returned function is called. */
  onChange(listener: (state: LinkState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The network fails, and neither side notices. */
  cut(): void {
    this.change("cut");
  }

  /** The network fails in one direction, and neither side notices. */
  cutOneWay(lost: "sending" | "hearing"): void {
    this.change(lost === "sending" ? "mute" : "deaf");
  }

  /** Both sides notice that the connection is lost. The end of the process has the same effect. */
  disconnect(): void {
    this.change("down");
  }

  /** The connection works again. */
  reconnect(): void {
    this.change("up");
  }

  /**
   * Sends one operation through the network, with its faults.
   * @param arrive runs on the server; calls its argument with the answer
   * @returns `undefined` when there was no answer in time or the connection broke
   */
  async call<T>(
    operation: Omit<Operation, "node">,
    timeoutMs: number,
    arrive: (answer: (value: T) => void, fault: Fault) => void,
  ): Promise<T | undefined> {
    if (!this.connected()) return undefined;
    const { server, clock } = this;
    const fault = server.fault({ node: this.node, ...operation });
    const outcome = Promise.withResolvers<T | undefined>();
    const cancel = clock.after(timeoutMs, () => outcome.resolve(undefined));
    const forget = this.onChange((state) => {
      if (state === "down") outcome.resolve(undefined);
    });
    // In flight when the connection breaks: the answer is lost, but the server has acted.
    const arrives = (value: T, delayMs: number) =>
      clock.after(server.latencyMs() + delayMs, () => {
        if (this.hears()) outcome.resolve(value);
      });
    const answer = (value: T) => {
      if (fault.lose === "answer" || !this.hears()) return;
      arrives(value, fault.answerDelayMs ?? 0);
      if (fault.repeatMs !== undefined) arrives(value, fault.repeatMs);
    };
    if (fault.lose !== "request" && this.sends()) {
      server.options.clock.after(server.latencyMs() + (fault.delayMs ?? 0), () => arrive(answer, fault));
    }
    try {
      return await outcome.promise;
    } finally {
      cancel();
      forget();
    }
  }

  private change(to: LinkState): void {
    if (this.current === to) return;
    this.current = to;
    for (const listener of this.listeners) listener(to);
  }
}
