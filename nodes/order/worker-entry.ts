/** Thread: one worker of an order node. */
import { serveWorker } from "./workers.ts";

await serveWorker();
