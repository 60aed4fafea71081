/** Thread: the workers of an order node. */
import { serveWorkers } from "./workers.ts";

await serveWorkers();
