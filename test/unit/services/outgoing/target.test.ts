/** Where webhooks may be sent: no address of a private network, however it is written. */
import t from "tap";
import { isAllowedAddress, isPublicAddress, urlFault } from "../../../../src/services/outgoing/target.ts";

const refusedHosts = [
  "127.0.0.1",
  "127.1",
  "2130706433",
  "0x7f000001",
  "0177.0.0.1",
  "0.0.0.0",
  "10.0.0.1",
  "172.16.5.4",
  "192.168.1.1",
  "169.254.169.254",
  "100.64.0.1",
  "192.0.0.8",
  "198.18.0.1",
  "203.0.113.7",
  "224.0.0.1",
  "255.255.255.255",
  "[::]",
  "[::1]",
  "[::ffff:7f00:1]",
  "[::ffff:169.254.169.254]",
  "[::7f00:1]",
  "[64:ff9b::7f00:1]",
  "[64:ff9b:1::a00:1]",
  "[2002:7f00:1::]",
  "[2001:0:7f00:1::]",
  "[fc00::1]",
  "[fe80::1]",
  "[fec0::1]",
  "[ff02::1]",
  "[2001:db8::1]",
];

t.test("an address of a private or special network is refused in every way to write it", (t) => {
  for (const host of refusedHosts) {
    t.type(urlFault(`https://${host}/hooks`, false), "string", host);
    const isLoopback = new URL(`https://${host}/`).hostname;
    const allowed = ["127.0.0.1", "[::1]", "[::ffff:7f00:1]"].includes(isLoopback);
    t.equal(urlFault(`https://${host}/hooks`, true) === undefined, allowed, `${host} in development`);
  }
  t.end();
});

t.test("addresses of the public internet are allowed, and texts that are none are not", (t) => {
  for (const address of ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
    t.ok(isPublicAddress(address), address);
  for (const text of ["", "localhost", "1.1.1.1.1", "fe80::1%eth0", "::ffff:10.0.0.1"])
    t.notOk(isPublicAddress(text), text);
  t.ok(isAllowedAddress("127.0.0.1", true));
  t.notOk(isAllowedAddress("127.0.0.1", false));
  t.notOk(isAllowedAddress("10.0.0.1", true), "development allows loopback alone");
  t.end();
});

t.test("a URL says nothing but a host, a port of HTTPS and a path", (t) => {
  for (const url of [
    "https://shop.example.com/hooks?a=1",
    "https://shop.example.com:8443/",
    "https://1.1.1.1/",
  ])
    t.equal(urlFault(url, false), undefined, url);
  for (const url of [
    "hooks",
    "http://shop.example.com/",
    "ftp://shop.example.com/",
    "https://shop.example.com:22/",
    "https://user@shop.example.com/",
    "https://:secret@shop.example.com/",
    "https://shop.example.com/#a",
    "http://localhost/",
  ])
    t.type(urlFault(url, false), "string", url);
  t.equal(urlFault("http://localhost:3000/", true), undefined);
  t.equal(urlFault("http://127.0.0.1:3000/", true), undefined);
  t.type(urlFault("http://shop.example.com/", true), "string", "HTTPS elsewhere, in development too");
  t.type(urlFault("ftp://localhost/", true), "string");
  t.end();
});
