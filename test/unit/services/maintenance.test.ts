/** Whether new orders are taken: the newest entry counts, and a damaged one stops nothing. */
import t from "tap";
import { Unavailable } from "../../../src/runtime/ports.ts";
import { ClusterMaintenance } from "../../../src/services/maintenance/maintenance.ts";
import { quietLog } from "../../support/logs/quiet-log.ts";

type Change = { key: string; value: string | undefined; revision: number };

async function started(put: () => Promise<number> = async () => 7) {
  const watching: ((one: Change) => void)[] = [];
  const maintenance = new ClusterMaintenance(
    {
      put,
      watch: async (onChange) => {
        watching.push(onChange);
        return { stop: async () => undefined };
      },
    },
    { now: () => Date.parse("2026-11-22T10:00:00.000Z") },
    quietLog,
  );
  await maintenance.start();
  const change = (one: Change) => {
    for (const onChange of watching) onChange(one);
  };
  return { maintenance, change };
}

const closed = { takingOrders: false, reason: "stocktaking", since: "2026-11-22T09:00:00.000Z" };
const stored = (state: object, revision: number): Change => ({
  key: "maintenance",
  value: JSON.stringify(state),
  revision,
});

t.test("orders are taken until an entry says otherwise, and after it is deleted", async (t) => {
  const { change, maintenance } = await started();
  t.strictSame(maintenance.state(), { takingOrders: true, reason: null, since: null });
  change({ ...stored(closed, 3), key: "shared" });
  t.equal(maintenance.state().takingOrders, true, "another entry of the bucket");
  change(stored(closed, 4));
  t.strictSame(maintenance.state(), closed);
  change({ key: "maintenance", value: undefined, revision: 5 });
  t.equal(maintenance.state().takingOrders, true);
});

t.test(
  "a change takes effect before its answer, and an older entry that comes late does not count",
  async (t) => {
    const { change, maintenance } = await started();
    const wanted = { takingOrders: false, reason: "upgrade" };
    const state = { ...wanted, since: "2026-11-22T10:00:00.000Z" };
    t.strictSame(await maintenance.set(wanted), { status: "set", state });
    change(stored({ ...closed, takingOrders: true }, 6));
    t.strictSame(maintenance.state(), state);
    change(stored({ ...closed, takingOrders: true }, 8));
    t.equal(maintenance.state().takingOrders, true);
  },
);

t.test("a damaged entry counts as none", async (t) => {
  const { change, maintenance } = await started();
  change(stored(closed, 1));
  change({ key: "maintenance", value: '{"takingOrders":"no"}', revision: 2 });
  t.equal(maintenance.state().takingOrders, true);
});

t.test("without the server nothing changes", async (t) => {
  const { maintenance } = await started(() => Promise.reject(new Unavailable("no server")));
  t.match(await maintenance.set({ takingOrders: false, reason: "x" }), { status: "unavailable" });
  t.equal(maintenance.state().takingOrders, true);
});
