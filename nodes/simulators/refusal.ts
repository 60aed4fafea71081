/** What a simulator answers when it does nothing: the request is stored nowhere. `code` is stable, snake_case. */
export type Refusal = { readonly refused: 404 | 409 | 422; readonly code: string };
