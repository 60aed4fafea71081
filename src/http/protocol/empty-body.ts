/** A command whose fields are all optional takes an empty body too. */
import type { FastifyRequest } from "fastify";

export async function emptyBodyIsEmptyObject(request: FastifyRequest): Promise<void> {
  request.body ??= {};
}
