/** Addresses by the rules of their countries: which code, which parts, which form, and how they are written. */
import { iso31661 } from "iso-3166";
import t from "tap";
import { addressFaults } from "../../../src/services/addresses/address-faults.ts";
import { addressLines } from "../../../src/services/addresses/address-lines.ts";
import { addressForm, isCountry } from "../../../src/services/addresses/countries.ts";

const at = (country: string, postalCode?: string, state?: string) => ({
  country,
  ...(postalCode === undefined ? {} : { postalCode }),
  ...(state === undefined ? {} : { state }),
});

t.test(
  "the postal code has its country's form, in any case, and is required where mail needs it",
  async (t) => {
    for (const address of [
      at("PT", "4000-001"),
      at("DE", "10115"),
      at("GB", "SW1A 1AA"),
      at("GB", "sw1a1aa"),
      at("NL", "1012 AB"),
      at("IE", "D02 X285"),
      at("IE"),
      at("HK"),
      at("HK", "999077"),
      at("AE"),
      at("PA"),
      at("ES", "28013"),
      at("IT", "00184"),
      at("JP", "100-0001"),
      at("BR", "01310-100"),
      at("US", "94105", "CA"),
      at("US", "94105-1234", "California"),
      at("CA", "K1A 0B1", "ON"),
      at("AU", "2000", "NSW"),
    ])
      t.same(addressFaults(address), [], JSON.stringify(address));
    for (const [address, pointer, code, message] of [
      [
        at("PT", "4000001"),
        "/postalCode",
        "invalid_format",
        /no postal code of PT: write one, such as \d{4}-\d{3}$/u,
      ],
      [at("PT", "4000-001 Porto"), "/postalCode", "invalid_format", /PT/u],
      [at("PT"), "/postalCode", "required", /is required in PT, such as \d{4}-\d{3}$/u],
      [at("PT", " "), "/postalCode", "required", /PT/u],
      [at("DE", "1011"), "/postalCode", "invalid_format", /such as \d{5}$/u],
      [at("GB", "12345"), "/postalCode", "invalid_format", /GB/u],
      [at("IE", "1"), "/postalCode", "invalid_format", /IE/u],
      [at("ZZ", "1"), "/country", "not_allowed", /no country of ISO 3166-1/u],
      [at("XX", "1"), "/country", "not_allowed", /PT/u],
      [at("UK", "SW1A 1AA"), "/country", "not_allowed", /use GB$/u],
      [at("EL", "10431"), "/country", "not_allowed", /use GR$/u],
    ] as const) {
      const faults = addressFaults(address);
      t.match(faults, [{ pointer, code, message }], JSON.stringify(address));
      t.equal(faults.length, 1);
    }
    t.same(addressFaults(at("US", "94105")), [], "the postal code says the state");
  },
);

t.test("every country has a form whose own examples are right", async (t) => {
  t.equal(iso31661.length, 249);
  for (const { alpha2 } of iso31661) {
    t.ok(isCountry(alpha2));
    const { postalCodeExample, postalCode, format } = addressForm(alpha2);
    t.match(format, /%A/u, alpha2);
    if (postalCode === "required") t.ok(postalCodeExample, `${alpha2} shows what is expected`);
    if (postalCodeExample === undefined) continue;
    t.same(addressFaults(at(alpha2, postalCodeExample, "state")), [], `${alpha2} ${postalCodeExample}`);
  }
  for (const code of ["ZZ", "XK", "UK", "EU", "AN", "pt", "", "../x"]) t.notOk(isCountry(code), code);
});

t.test("an address is written as its country does, without what it does not have", async (t) => {
  const street = { line1: "1 Main St", city: "Springfield" };
  for (const [address, lines] of [
    [{ ...street, postalCode: "4000-001", country: "PT" }, ["1 Main St", "4000-001 Springfield", "PT"]],
    [
      {
        ...street,
        name: "Ada",
        company: "Engines",
        line2: "2nd floor",
        state: "IL",
        postalCode: "62701",
        country: "US",
      },
      ["Ada", "Engines", "1 Main St", "2nd floor", "Springfield, IL 62701", "US"],
    ],
    [{ ...street, postalCode: "62701", country: "US" }, ["1 Main St", "Springfield 62701", "US"]],
    [{ ...street, postalCode: "", country: "HK" }, ["1 Main St", "Springfield", "HK"]],
    [
      { ...street, state: "Kowloon", postalCode: "", country: "HK" },
      ["1 Main St", "Springfield", "Kowloon", "HK"],
    ],
    [{ ...street, postalCode: "SW1A 1AA", country: "GB" }, ["1 Main St", "Springfield", "SW1A 1AA", "GB"]],
    [{ ...street, postalCode: "", country: "CH" }, ["1 Main St", "Springfield", "CH"]],
    [
      { ...street, state: "Norte", postalCode: "4000-001", country: "PT" },
      ["1 Main St", "4000-001 Springfield", "Norte", "PT"],
    ],
    // Orders of 0.1.0 may have any code.
    [{ ...street, postalCode: "1", country: "ZZ" }, ["1 Main St", "1 Springfield", "ZZ"]],
    [{ ...street, line2: " ", postalCode: "W1", country: "UK" }, ["1 Main St", "W1 Springfield", "UK"]],
  ] as const)
    t.same(addressLines(address), lines, JSON.stringify(address));
});

t.test("no part of an address can be taken for the form of its lines", async (t) => {
  const address = { line1: "%C%n%Z", city: "$& \u0001", postalCode: "%S", country: "PT" };
  t.same(addressLines(address, "%N"), ["%N", "%C%n%Z", "%S $& \u0001", "PT"]);
});
