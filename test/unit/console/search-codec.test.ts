/** The state of a page in its address. */
import t from "tap";
import {
  choiceParam,
  flagParam,
  listParam,
  patternParam,
  searchCodec,
  textParam,
} from "../../../console/src/url/search-codec.ts";

const codec = searchCodec({
  q: textParam,
  status: listParam(["confirmed", "ready"]),
  sort: choiceParam(["-createdAt", "createdAt"]),
  parked: flagParam,
  stuck: patternParam(/^\d+m$/u),
});

t.test("values that are read from an address are written as the same address", async (t) => {
  const search = "q=ada+lovelace&status=confirmed,ready&sort=createdAt&parked=true&stuck=15m";
  const values = codec.read(`?${search}`);
  t.strictSame(values, {
    q: "ada lovelace",
    status: ["confirmed", "ready"],
    sort: "createdAt",
    parked: true,
    stuck: "15m",
  });
  t.equal(codec.write(values), search);
});

t.test("defaults are left out of the address", async (t) => {
  const values = codec.read("");
  t.strictSame(values, { q: "", status: [], sort: "-createdAt", parked: false, stuck: "" });
  t.equal(codec.write(values), "");
});

t.test("an address with values that the page does not know shows the page with defaults", async (t) => {
  const values = codec.read("?status=ready,unheard,ready&sort=sideways&stuck=soon&parked=maybe&other=1");
  t.strictSame(values, { q: "", status: ["ready"], sort: "-createdAt", parked: false, stuck: "" });
});

t.test("a text with marks of its own survives the address", async (t) => {
  const q = "a&b=c#d%2C,: é";
  t.equal(codec.read(`?${codec.write({ ...codec.read(""), q })}`).q, q);
});
