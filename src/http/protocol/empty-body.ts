/** Empty bodies of commands whose fields are all optional. */
import type { FastifyRequest } from "fastify";

/** A `preValidation` hook: takes an empty body as `{}`. */
export async function emptyBodyIsEmptyObject(request: FastifyRequest): Promise<void> {
  request.body ??= {};
}
