/** Thread: the projection of an order node. */
import { serveProjection } from "./projection-thread.ts";

await serveProjection();
