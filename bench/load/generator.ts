/**
 * Process: the load generator. Callers in a closed loop: each sends its next order when the last is answered.
 * A process of its own, so that its cost can be separated from that of the nodes. It receives its plan and its phases
 * over IPC, and ends with its parent.
 */
import { percentile } from "../result.ts";
import { Connection, postRequest } from "./connection.ts";
import type { LoadPlan, Phase, PhaseRequest } from "./load-plan.ts";

/** One of this many orders is sampled. */
const SAMPLE_EVERY = 50;

let requests: readonly Buffer[] = [];
let connections: readonly Connection[] = [];

process.on("disconnect", () => process.exit(0));
process.on("message", (message: LoadPlan | PhaseRequest) => {
  if ("durationMs" in message) void answer(message);
  else prepare(message);
});

function prepare({ orders, callers, ports }: LoadPlan): void {
  requests = orders.map((order) => postRequest("/v1/orders", order));
  connections = Array.from(
    { length: callers },
    (_, caller) => new Connection(ports[caller % ports.length] ?? 0),
  );
}

async function answer({ durationMs }: PhaseRequest): Promise<void> {
  try {
    process.send?.(await phase(durationMs));
  } catch (error) {
    process.stderr.write(`load generator: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

async function phase(durationMs: number): Promise<Phase> {
  const answers: Record<string, number> = {};
  const latencies: number[] = [];
  const sampledIds: string[] = [];
  let firstOther = "";
  const cpu = process.cpuUsage();
  const from = performance.now();
  const deadline = from + durationMs;
  await Promise.all(
    connections.map(async (connection, caller) => {
      let next = Math.floor((caller * requests.length) / connections.length);
      for (let sentAt = performance.now(); sentAt < deadline; ) {
        const { status, body } = await connection.send(requests[next++ % requests.length]!);
        const now = performance.now();
        const result = outcome(status, body);
        answers[result] = (answers[result] ?? 0) + 1;
        if (result === "confirmed") {
          if (latencies.length % SAMPLE_EVERY === 0)
            sampledIds.push(/"id":"(ord_[^"]+)"/u.exec(body)?.[1] ?? "");
          latencies.push(now - sentAt);
        } else firstOther ||= `${status} ${body.slice(0, 500)}`;
        sentAt = now;
      }
    }),
  );
  const elapsedMs = performance.now() - from;
  const spent = process.cpuUsage(cpu);
  return {
    answers,
    elapsedMs,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    maxMs: latencies.at(-1) ?? 0,
    cpuSeconds: (spent.user + spent.system) / 1e6,
    sampledIds,
    firstOther,
  };
}

/** Found without parsing: `status` occurs once on the top level of an order, and with this value nowhere else. */
function outcome(status: number, body: string): string {
  if (status === 201 && body.includes('"status":"confirmed"')) return "confirmed";
  return `${status} ${/"code":"([a-z_]+)"/u.exec(body)?.[1] ?? "another answer"}`;
}
