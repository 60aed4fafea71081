/** Planted bugs of the streams of events: positions, order, slow clients, the end of the node. */
import type { Mutant } from "./mutant.ts";

const FOLLOWER = "src/services/live/live-orders.ts";
const STREAM = "src/http/live/event-stream.ts";
const ROUTES = "src/http/live/routes.ts";
const LIST = "src/services/live/live-list.ts";
const TOPICS = "src/http/live/topics.ts";
const LIST_TEST = "test/unit/services/live-list.test.ts";
const FOLLOWER_TEST = "test/integration/services/live-orders.test.ts";
const STREAM_TEST = "test/integration/http/event-stream.test.ts";

export const liveMutants: readonly Mutant[] = [
  {
    id: "live-position-again",
    does: "A client that resumes gets the commit of its position again.",
    file: FOLLOWER,
    find: "newest.sequence : after + 1;",
    replace: "newest.sequence : after;",
    tests: [FOLLOWER_TEST],
  },
  {
    id: "live-position-beyond",
    does: "A position that the journal does not have is waited for.",
    file: FOLLOWER,
    find: "after !== undefined && after > lastSequence;",
    replace: "false;",
    tests: [FOLLOWER_TEST],
  },
  {
    id: "live-newer-facts",
    does: "A record is shown with the newest facts and not with its own.",
    file: FOLLOWER,
    find: "undefined : this.facts.get(facts.version);",
    replace: "undefined : [...this.facts.values()].at(-1);",
    tests: [FOLLOWER_TEST],
  },
  {
    id: "live-stopped-goes-on",
    does: "A watch that has stopped receives what comes.",
    file: FOLLOWER,
    find: "    this.over = true;\n    void this.consumer?.stop();",
    replace: "",
    tests: [FOLLOWER_TEST],
  },
  {
    id: "live-header-ignored",
    does: "The header of a client that comes again is ignored when its address has a position.",
    file: ROUTES,
    find: 'request.headers["last-event-id"] ?? request.query.after;',
    replace: 'request.query.after ?? request.headers["last-event-id"];',
    tests: [STREAM_TEST],
  },
  {
    id: "live-slow-client",
    does: "A client that does not read takes memory without a bound.",
    file: STREAM,
    find: "this.response.writableLength > limits.unsentBytes",
    replace: "this.response.writableLength < 0",
    tests: [STREAM_TEST],
  },
  {
    id: "live-without-limit",
    does: "A node opens any number of streams.",
    file: STREAM,
    find: "return this.open.size < limits.open;",
    replace: "return this.open.size >= 0;",
    tests: [STREAM_TEST],
  },
  {
    id: "live-closing-silent",
    does: "A closing node does not end its streams.",
    file: STREAM,
    find: 'stream.end("bye", { why: "closing" });',
    replace: "stream.comment();",
    tests: [STREAM_TEST],
  },
  {
    id: "live-watch-left",
    does: "The order of a client that has gone is still followed.",
    file: STREAM,
    find: "    this.over = true;\n    this.onEnd();",
    replace: "    this.over = true;",
    tests: [STREAM_TEST],
  },
  {
    id: "live-list-position-again",
    does: "A change at a client's position is passed on again.",
    file: LIST,
    find: "  sequence > (position[partition % position.length] ?? 0);",
    replace: "  sequence >= (position[partition % position.length] ?? 0);",
    tests: [LIST_TEST],
  },
  {
    id: "live-list-first-stream",
    does: "Positions of several streams count as one.",
    file: LIST,
    find: "position[partition % position.length]",
    replace: "position[0]",
    tests: [LIST_TEST],
  },
  {
    id: "live-list-goes-back",
    does: "A list of another node moves a position back.",
    file: LIST,
    find: "Math.max(sequence, before[stream] ?? 0)",
    replace: "sequence",
    tests: [LIST_TEST],
  },
  {
    id: "live-list-full-frame",
    does: "A full frame does not say that there are more.",
    file: LIST,
    find: "const more = items.length === PAGE;",
    replace: "const more = items.length > PAGE;",
    tests: [LIST_TEST],
  },
  {
    id: "live-list-reads-on",
    does: "The list is read while no client follows.",
    file: LIST,
    find: "if (this.watches.size > 0) this.clock",
    replace: "if (this.readings >= 0) this.clock",
    tests: [LIST_TEST],
  },
  {
    id: "live-topics-one-position",
    does: "The id of an event has the position of its own topic alone.",
    file: TOPICS,
    find: 'all.includes(undefined) ? undefined : all.join("~");',
    replace: "position;",
    tests: [STREAM_TEST],
  },
  {
    id: "live-topics-left",
    does: "The topics of a client that has gone are followed on.",
    file: ROUTES,
    find: "streams.begin(reply, () => end?.());",
    replace: "streams.begin(reply, () => void end);",
    tests: [STREAM_TEST],
  },
];
