/**
 * One node's connection to the server in memory.
 * Everything that reaches the node runs on the node's own clock: a paused node receives nothing until it is resumed, an
 * ended one never.
 */
import type { Clock } from "../../runtime/ports.ts";
import type { Fault, MemoryServer, Operation } from "./server.ts";

/**
 * `up`: works. `cut`: nothing gets through, but neither side has noticed; requests to the node run into their time
 * limits. `down`: both sides have noticed; requests to the node find no responders.
 */
export type LinkState = "up" | "cut" | "down";

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

  /** Calls the listener at every change, until the returned function is called. */
  onChange(listener: (state: LinkState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The network fails, and neither side notices. */
  cut(): void {
    this.change("cut");
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
    kind: Operation["kind"],
    subject: string,
    timeoutMs: number,
    arrive: (answer: (value: T) => void, fault: Fault) => void,
  ): Promise<T | undefined> {
    if (!this.connected()) return undefined;
    const { server, clock } = this;
    const fault = server.fault({ node: this.node, kind, subject });
    const outcome = Promise.withResolvers<T | undefined>();
    const cancel = clock.after(timeoutMs, () => outcome.resolve(undefined));
    const forget = this.onChange((state) => {
      if (state === "down") outcome.resolve(undefined);
    });
    const answer = (value: T) => {
      if (fault.lose === "answer" || this.current !== "up") return;
      // In flight when the connection breaks: the answer is lost, but the server has acted.
      clock.after(server.latencyMs(), () => {
        if (this.current === "up") outcome.resolve(value);
      });
    };
    if (fault.lose !== "request" && this.current === "up") {
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
