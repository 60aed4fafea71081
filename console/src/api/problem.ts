/** Answers of the API that are errors: problem documents (RFC 9457), and what a page needs to know about one. */

/** What a page shows when a request has failed. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** Stable code of docs/errors.md; `no_answer` and `no_problem` are the console's own. */
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly requestId: string | undefined;
  /** Everything else that the answer says, such as `errors` or `missing`. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(status: number, body: Readonly<Record<string, unknown>>) {
    const text = (name: string, otherwise: string): string =>
      typeof body[name] === "string" ? body[name] : otherwise;
    const title = text("title", `The answer has status ${status}`);
    super(title);
    this.status = status;
    this.code = text("code", "no_problem");
    this.title = title;
    this.detail = text("detail", "");
    this.requestId = typeof body["requestId"] === "string" ? body["requestId"] : undefined;
    this.members = body;
  }
}

/** For a request that got no answer: the node is gone, or the network. */
export const noAnswer = (): ApiProblem =>
  new ApiProblem(0, {
    title: "The node does not answer",
    code: "no_answer",
    detail: "It may have stopped, or the network may be down.",
  });

/** The problem that an error is; other errors are faults of the console. */
export function problemOf(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new ApiProblem(0, { title: "The console has a fault", code: "console_fault", detail });
}

/** Whether the same request may succeed a moment later. */
export const isTransient = (error: unknown): boolean =>
  error instanceof ApiProblem && (error.status === 0 || error.status === 429 || error.status === 503);

/** Whether the node does not know the caller, or no longer. */
export const isUnauthenticated = (error: unknown): boolean =>
  error instanceof ApiProblem && error.code === "unauthenticated";
