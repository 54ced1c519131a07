// What a client in JavaScript sees: the contract's own files, read by @grpc/grpc-js without any code generated.
//
// `run` prepares what this needs, in the environment: HOURBOOK, the binary; PROTOS, where google/rpc/*.proto are. One
// server, on a free loopback port with a temporary directory, serves all tests; its first two traders are quickstart's.

"use strict";

const assert = require("node:assert/strict");
const { execFileSync, spawn } = require("node:child_process");
const { once } = require("node:events");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { after, before, test } = require("node:test");

// Tools are installed beside the build, not beside this file.
const tool = (name) => require(require.resolve(name, { paths: [process.env.NODE_MODULES] }));
const grpc = tool("@grpc/grpc-js");
const loader = tool("@grpc/proto-loader");

const PATIENCE_MS = 60_000;
const contract = path.join(__dirname, "../../proto");
const files = ["hourbook/v1/orders.proto", "google/rpc/status.proto", "google/rpc/error_details.proto"];
// Integers of 64 bits as text: a number of JavaScript ends at 2^53.
const definition = loader.loadSync(files, {
  includeDirs: [contract, process.env.PROTOS],
  longs: String,
  enums: String,
  oneofs: true,
});
const { OrderService } = grpc.loadPackageDefinition(definition).hourbook.v1;

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "hourbook-grpc-js-"));
let server, orders, traders;

before(async () => {
  const data = path.join(directory, "data");
  const arguments_ = ["serve", "--data", data, "--listen", "127.0.0.1:0", "--metrics", "none", "--log", "warn"];
  server = spawn(process.env.HOURBOOK, arguments_, { stdio: ["ignore", "pipe", "inherit"] });
  let told = "";
  const address = await new Promise((resolve, reject) => {
    server.on("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    server.stdout.on("data", (more) => {
      told += more;
      const found = told.match(/serves on (\S+)/);
      if (found && told.includes("quickstart")) resolve(found[1]);
    });
  });
  const ctl = ["ctl", "--address", `http://${address}`, "--data", data, "--json", "quickstart"];
  traders = JSON.parse(execFileSync(process.env.HOURBOOK, ctl, { timeout: PATIENCE_MS }));
  orders = new OrderService(address, grpc.credentials.createInsecure());
});

after(async () => {
  orders?.close();
  server.removeAllListeners("exit");
  server.kill("SIGTERM");
  const [code] = await once(server, "exit");
  fs.rmSync(directory, { recursive: true });
  assert.equal(code, 0, "SIGTERM ends it in order");
});

// The key that goes with every call.
const bearer = (trader) => {
  const metadata = new grpc.Metadata();
  metadata.set("authorization", `Bearer ${trader.key}`);
  return metadata;
};

const order = (side, quantity, more = {}) => ({
  symbol: traders.symbol,
  side,
  orderType: "ORDER_TYPE_LIMIT",
  priceMicros: traders.priceMicros,
  quantity,
  ...more,
});

const place = (trader, clientOrderId, newOrder) =>
  new Promise((resolve, reject) => {
    const request = { accountId: trader.accountId, clientOrderId, order: newOrder };
    const options = { deadline: Date.now() + PATIENCE_MS };
    orders.placeOrder(request, bearer(trader), options, (error, answer) => (error ? reject(error) : resolve(answer)));
  });

// The details of a status: each under the name of its kind.
const details = (error) => {
  const [packed] = error.metadata.get("grpc-status-details-bin");
  const read = (kind, bytes) => definition[kind].deserialize(bytes);
  const status = definition["google.rpc.Status"].deserialize(packed);
  return Object.fromEntries(
    status.details.map((any) => {
      const kind = any.type_url ?? any.typeUrl;
      const name = kind.slice(kind.indexOf("/") + 1);
      return [name, read(name, any.value)];
    }),
  );
};

test("a first order trades, and the same again does nothing", async () => {
  const offer = await place(traders.seller, "js-1", order("SIDE_SELL", 5));
  assert.equal(offer.report.kind, "REPORT_KIND_ACCEPTED");
  const first = await place(traders.buyer, "js-1", order("SIDE_BUY", 5));
  assert.equal(first.report.kind, "REPORT_KIND_FILLED");
  const fills = first.fills.map((fill) => [fill.priceMicros, fill.quantity]);
  assert.deepEqual(fills, [[traders.priceMicros, "5"]]);
  const again = await place(traders.buyer, "js-1", order("SIDE_BUY", 5));
  assert.deepEqual([again.repeated, again.report.orderId], [true, first.report.orderId]);
});

test("a session places orders, hears of each, and resumes by number", { timeout: PATIENCE_MS }, async () => {
  // A whole session: what was answered until the exchange ended it.
  const talk = async (logon, entries, last) => {
    const stream = orders.trade(bearer(traders.seller));
    stream.write({ logon: { accountId: traders.seller.accountId, session: "grpc-js", ...logon } });
    const answers = [];
    for await (const answer of stream) {
      answers.push(answer);
      if (answer.message === "loggedOn") stream.write({ batch: { entries } });
      if (answer.reports?.reports.some(last)) stream.write({ logoff: {} });
    }
    return answers;
  };
  const reports = (answers) => answers.flatMap((answer) => answer.reports?.reports ?? []);
  const entries = Array.from({ length: 100 }, (_, at) => ({
    number: at + 1,
    place: order("SIDE_SELL", 1, { priceMicros: Number(traders.priceMicros) + 100 * at }),
  }));
  const accepted = (report) => report.kind === "REPORT_KIND_ACCEPTED" && report.requestNumber === "100";
  const first = await talk({ cancelOnDisconnect: true }, entries, accepted);
  assert.deepEqual([first[0].message, first.at(-1).message], ["loggedOn", "loggedOff"]);
  const placed = reports(first).filter((report) => report.kind === "REPORT_KIND_ACCEPTED");
  assert.deepEqual(placed.map((report) => Number(report.requestNumber)), entries.map((entry) => entry.number));

  // All of it again, and the cancels with which it ended; entries are not repeated.
  const from = reports(first)[0].number;
  const until = String(Number(from) + 199);
  const second = await talk({ resumeFromNumber: from }, entries, (report) => report.number === until);
  assert.equal(second[0].loggedOn.lastNumber, "100");
  const numbers = reports(second).map((report) => Number(report.number));
  assert.deepEqual(numbers, Array.from({ length: 200 }, (_, at) => Number(from) + at));
  const why = new Set(reports(second).slice(100).map((report) => report.cancelReason));
  assert.deepEqual([...why], ["CANCEL_REASON_DISCONNECT"]);
});

test("what is misshapen names its field, and what the market refuses its reason", async () => {
  const misshapen = place(traders.buyer, "js-2", order("SIDE_BUY", -1));
  await assert.rejects(misshapen, (error) => {
    assert.equal(error.code, grpc.status.INVALID_ARGUMENT);
    const told = details(error);
    assert.equal(told["google.rpc.ErrorInfo"].reason, "INVALID_FIELD");
    const fields = told["google.rpc.BadRequest"].fieldViolations.map((violation) => violation.field);
    assert.deepEqual(fields, ["order.quantity"]);
    return true;
  });
  const offTick = await place(traders.buyer, "js-3", order("SIDE_BUY", 1, { priceMicros: 1_050_001 }));
  assert.equal(offTick.report.kind, "REPORT_KIND_REJECTED");
  assert.equal(offTick.report.rejectReason, "REJECT_REASON_PRICE_OFF_TICK");
  const stranger = place({ key: "hb_nobody", accountId: 1 }, "js-4", order("SIDE_BUY", 1));
  await assert.rejects(stranger, { code: grpc.status.UNAUTHENTICATED });
});
