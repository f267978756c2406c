// @odata/client: reads what comes in one answer, since it never follows a next link.
//
// usage: node odata_client.mjs SERVICE_ROOT
import assert from "node:assert/strict";
import { countOf, load, run, serviceRoot } from "./report.mjs";

const { EdmV4, OData } = load("@odata/client");

const root = serviceRoot();
const client = OData.New4({ serviceEndpoint: root });
const machines = client.getEntitySet("Machines");
const sessions = client.getEntitySet("Sessions");

/** Some machine, as a yardstick. */
async function sample() {
  const [machine] = await machines.query(client.newOptions().top(1));
  assert.ok(machine?.Id && machine.Name, "no machine");
  return machine;
}

await run("odata_client", {
  "the whole set": async () => {
    const rows = await sessions.query();
    assert.equal(rows.length, await countOf(root, "Sessions"));
    assert.equal(new Set(rows.map((row) => row.SessionKey)).size, rows.length, "rows twice");
    return `${rows.length} sessions`;
  },

  "filter, select and top": async () => {
    const machine = await sample();
    const options = client.newOptions().filter(client.newFilter().field("Name").eqString(machine.Name)).select(["Id", "Name"]).top(3);
    assert.deepEqual(await machines.query(options), [{ Id: machine.Id, Name: machine.Name }]);
    assert.equal((await sessions.query(client.newOptions().top(3))).length, 3);
  },

  "order and skip": async () => {
    const users = client.getEntitySet("Users");
    const all = await users.query(client.newOptions().orderby("Id", "desc"));
    assert.ok(all.length > 3, `${all.length} users`);
    assert.ok(all.every((row, at) => at === 0 || row.Id < all[at - 1].Id), "not in descending order");
    assert.deepEqual(await users.query(client.newOptions().orderby("Id", "desc").skip(1).top(2)), all.slice(1, 3));
  },

  // Asked with `$top=1&$count=true`: a number for the whole set beside one row.
  "count": async () => {
    const count = await sessions.count();
    assert.equal(count, await countOf(root, "Sessions"));
    const machine = await sample();
    assert.equal(await machines.count(client.newFilter().field("Name").eqString(machine.Name)), 1);
    return `${count} sessions`;
  },

  "one row by its key": async () => {
    const machine = await sample();
    const { "@odata.context": context, ...found } = await machines.retrieve(EdmV4.Guid.from(machine.Id));
    assert.equal(context, `${root}$metadata#Machines/$entity`);
    assert.deepEqual(found, machine);
    const [user] = await client.getEntitySet("Users").query(client.newOptions().top(1));
    assert.equal((await client.getEntitySet("Users").retrieve(user.Id)).Id, user.Id);
  },

  "an error with its message": async () => {
    const asked = machines.query(client.newOptions().filter("Nonsense eq 1"));
    await assert.rejects(asked, (error) => error.constructor.name === "ODataServerError" && /Nonsense/.test(error.message));
  },

  // It reads multipart, and compares names of headers letter by letter, although it sends `Accept: application/json`.
  "a multipart batch": async () => {
    const requests = () => [
      client.newBatchRequest({ collection: "Machines", params: client.newOptions().top(2) }),
      client.newBatchRequest({ collection: "Sessions" }),
    ];
    const [some, all] = await client.execBatchRequests(requests());
    assert.deepEqual([some.status, all.status], [200, 200]);
    assert.deepEqual((await some.json()).value, await machines.query(client.newOptions().top(2)));
    assert.equal((await all.json()).value.length, await countOf(root, "Sessions"));
  },

  "a JSON batch": async () => {
    const [some, none] = await client.execBatchRequestsJson([
      client.newBatchRequest({ collection: "Machines", params: client.newOptions().top(2) }),
      client.newBatchRequest({ collection: "Machins" }),
    ]);
    assert.deepEqual((await some.json()).value, await machines.query(client.newOptions().top(2)));
    assert.equal(none.status, 404);
    assert.match((await none.json()).error.message, /Machins/);
  },

  "a batch that writes is refused in its place": async () => {
    const entity = { Name: "x" };
    const [refused] = await client.execBatchRequests([client.newBatchRequest({ collection: "Machines", method: "POST", entity })]);
    assert.equal(refused.status, 405);
    assert.match((await refused.json()).error.message, /read-only/);
  },
});
