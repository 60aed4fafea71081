/** How long HTTP requests took, by method, route and status. */
import { DurationHistogram, type HistogramState } from "../../src/runtime/duration-histogram.ts";
import type { AnsweredRequest } from "../../src/http/protocol/request-meter.ts";

/** By the labels of OpenTelemetry's semantic conventions. */
export type CountedRequests = readonly {
  readonly http_request_method: string;
  readonly http_route: string;
  readonly http_response_status_code: string;
  readonly durations: HistogramState;
}[];

/** Methods that the API has; any other text of a client is one label. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

type Entry = Omit<CountedRequests[number], "durations"> & { readonly counted: DurationHistogram };

/** Counts requests since the start of the process. Memory is bounded by the routes and the statuses of the API. */
export class RequestDurations {
  private readonly all = new Map<string, Entry>();

  /** Counts one request. */
  answered({ durationMs, method, route, status }: AnsweredRequest): void {
    const http_request_method = METHODS.has(method) ? method : "_OTHER";
    const key = `${http_request_method} ${status} ${route}`;
    let entry = this.all.get(key);
    if (!entry) {
      const labels = { http_request_method, http_route: route, http_response_status_code: String(status) };
      entry = { ...labels, counted: new DurationHistogram() };
      this.all.set(key, entry);
    }
    entry.counted.observe(durationMs);
  }

  /** The counts so far. */
  counts(): CountedRequests {
    return [...this.all.values()].map(({ counted, ...labels }) => ({
      ...labels,
      durations: counted.state(),
    }));
  }
}
