/** An order to a country without postal codes, billed to a company elsewhere, on real processes from door to door. */
import t from "tap";
import { checkMails, checkPdf } from "../support/audits/order-documents.ts";
import { shipments } from "../support/clients/carrier-client.ts";
import { orderOf, place } from "../support/clients/order-client.ts";
import { untilCompleted } from "../support/clients/order-poll.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";

t.test("an order to Hong Kong is billed elsewhere, labeled, mailed and completed", async (t) => {
  const cluster = await startOrderCluster(t);
  const [url = "", elsewhere = ""] = cluster.urls;
  const order = orderOf({ method: "credit_card" });
  const shippingAddress = {
    company: "Pier Ltd",
    line1: "1 Queen's Road Central",
    city: "Hong Kong",
    country: "HK",
    phone: "+852 1234 5678",
  };
  const billingAddress = { ...order.shippingAddress, company: "Engines Ltd", taxId: "PT501234567" };
  const placed = await place(url, { ...order, shippingAddress, billingAddress });
  t.match([placed.status, placed.body], [201, { shippingAddress, billingAddress }]);
  const { id } = placed.body;
  const completed = await untilCompleted(elsewhere, id);
  t.strictSame(completed.shippingAddress, shippingAddress);
  await checkPdf(t, elsewhere, completed);
  const [label] = await shipments(cluster.carrier.url, id);
  t.match(label?.shippingAddress, { ...shippingAddress, name: "Ada Byron" });
  const subjects = ["Order created and awaiting payment", "Order confirmed", "Order shipped"];
  await checkMails(t, cluster.mailbox.url, order.customer.email, subjects);
  const refused = await place(url, { ...order, shippingAddress: { ...shippingAddress, country: "UK" } });
  t.match([refused.status, refused.body], [400, { errors: [{ pointer: "/shippingAddress/country" }] }]);
});
