/** Where the keys of a keyboard lead in a chart. Pure. */

/** What leads where. */
export type Ways = {
  /** Ids in reading order. */
  readonly order: readonly string[];
  readonly arrows: readonly { readonly from: string; readonly to: string }[];
};

/** Where a key leads from a state; `undefined`: nowhere. Down and up follow transitions, right and left the order. */
export function focusAfter({ arrows, order }: Ways, at: string, key: string): string | undefined {
  const place = order.indexOf(at);
  switch (key) {
    case "ArrowDown":
      return arrows.find(({ from, to }) => from === at && to !== at)?.to ?? order[place + 1];
    case "ArrowUp":
      return arrows.find(({ from, to }) => to === at && from !== at)?.from ?? order[place - 1];
    case "ArrowRight":
      return order[place + 1];
    case "ArrowLeft":
      return order[place - 1];
    case "Home":
      return order[0];
    case "End":
      return order.at(-1);
    default:
      return undefined;
  }
}
