/** Moving through a chart by keyboard: one state is in the order of the Tab key, arrows go to the others. */
import { type KeyboardEvent, useCallback, useRef, useState } from "react";
import { focusAfter, type Ways } from "./chart-ways.ts";

/** Props of a chart's SVG and of its states. @param first the state that the Tab key reaches first */
export function useChartFocus(ways: Ways, first: string | undefined) {
  const svg = useRef<SVGSVGElement>(null);
  const [chosen, setChosen] = useState<string>();
  const reached = chosen !== undefined && ways.order.includes(chosen) ? chosen : (first ?? ways.order[0]);
  const onKeyDown = useCallback(
    (event: KeyboardEvent) => {
      const at = (event.target as Element).closest("[data-state]")?.getAttribute("data-state");
      const to = at === null || at === undefined ? undefined : focusAfter(ways, at, event.key);
      if (to === undefined) return;
      event.preventDefault();
      setChosen(to);
      svg.current?.querySelector<SVGElement>(`[data-state="${CSS.escape(to)}"] > [tabindex]`)?.focus();
    },
    [ways],
  );
  return { svg, onKeyDown, tabIndex: (id: string) => (id === reached ? 0 : -1) };
}
