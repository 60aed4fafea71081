/**
 * A worker in a process of its own, to be killed: prints each event's id and never finishes it.
 * Arguments: address of the nats-server, name of the worker, life of its locks in ms.
 */
import { subjects } from "../../../src/services/subjects.ts";
import { processedBucket } from "../../../src/adapters/nats/stream-definitions.ts";
import { natsBucket } from "../../../src/adapters/nats/bucket.ts";
import { systemClock } from "../../../src/adapters/local/system-clock.ts";
import { connectNats } from "../../../src/adapters/nats/connection.ts";
import { randomIds } from "../../../src/adapters/local/random-ids.ts";
import { natsWorkQueue } from "../../../src/adapters/nats/work-queue.ts";
import { startWorker } from "../../../src/runtime/workers/worker.ts";
import { quietLog } from "../logs/quiet-log.ts";
import { stageSettings } from "../worker-stage.ts";

const [url = "", name = "", lockLifeMs = "0"] = process.argv.slice(2);
const link = await connectNats({ servers: [url], name: "worker", connectTimeoutMs: 10_000 });
await startWorker(
  {
    subjects,
    queue: natsWorkQueue(link, subjects, Date.now),
    processed: natsBucket(link, processedBucket(stageSettings)),
    clock: systemClock,
    ids: randomIds(),
    log: quietLog,
  },
  {
    name,
    types: ["order.created"],
    bounds: {
      maxInFlight: 4,
      // The process is killed during its first attempt: it has no other one, however late the kill is.
      workLimitMs: 120_000,
      lockLifeMs: Number(lockLifeMs),
      backoffMs: 100,
      backoffMaxMs: 100,
      maxAttempts: 5,
    },
    work: (event) => {
      process.stdout.write(`started ${event.id}\n`);
      return new Promise(() => undefined);
    },
  },
);
