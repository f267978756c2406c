// o.js, the package `odata`: writes `$` as %24.
//
// usage: node ojs.mjs SERVICE_ROOT
import assert from "node:assert/strict";
import { countOf, load, run, serviceRoot } from "./report.mjs";

const { o } = load("odata");

const root = serviceRoot();
/** A handler forgets its requests only when they succeed, so each question gets its own. */
const service = () => o(root);

/** Some machine, as a yardstick. */
async function sample() {
  const [machine] = await service().get("Machines").query({ $top: 1 });
  assert.ok(machine?.Id && machine.Name, "no machine");
  return machine;
}

await run("ojs", {
  "the whole set": async () => {
    const rows = await service().get("Sessions").query();
    assert.equal(rows.length, await countOf(root, "Sessions"));
    assert.equal(new Set(rows.map((row) => row.SessionKey)).size, rows.length, "rows twice");
    return `${rows.length} sessions`;
  },

  "filter, select and top": async () => {
    const machine = await sample();
    const rows = await service().get("Machines").query({ $filter: `Name eq '${machine.Name}'`, $select: "Id,Name", $top: 3 });
    assert.deepEqual(rows, [{ Id: machine.Id, Name: machine.Name }]);
    assert.equal((await service().get("Sessions").query({ $top: 3 })).length, 3);
  },

  "order and skip": async () => {
    const all = await service().get("Users").query({ $orderby: "Id desc" });
    assert.ok(all.length > 3, `${all.length} users`);
    assert.ok(all.every((row, at) => at === 0 || row.Id < all[at - 1].Id), "not in descending order");
    assert.deepEqual(await service().get("Users").query({ $orderby: "Id desc", $skip: 1, $top: 2 }), all.slice(1, 3));
  },

  "count": async () => {
    const expected = await countOf(root, "Sessions");
    const answer = await service().get("Sessions").fetch({ $count: true, $top: 1 });
    const { "@odata.count": count, value } = await answer.json();
    assert.deepEqual([count, value.length], [expected, 1]);
    assert.equal(await service().get("Sessions/$count").query(), expected);
    return `${count} sessions`;
  },

  "one row by its key": async () => {
    const machine = await sample();
    const { "@odata.context": context, ...found } = await service().get(`Machines(${machine.Id})`).query();
    assert.equal(context, `${root}$metadata#Machines/$entity`);
    assert.deepEqual(found, machine);
  },

  "an error as a rejected answer": async () => {
    await assert.rejects(service().get("Machines").query({ $filter: "Nonsense eq 1" }), (answer) => answer.status === 400);
    await assert.rejects(service().get("Machins").query(), (answer) => answer.status === 404);
  },

  // Multipart, with absolute URLs, and `$` as %24.
  "a batch": async () => {
    const [machines, sessions] = await service().get("Machines").get("Sessions").batch({ $top: 2 });
    assert.deepEqual([machines.contentId, machines.status], [1, 200]);
    assert.deepEqual([sessions.contentId, sessions.status], [2, 200]);
    assert.deepEqual(machines.body, await service().get("Machines").query({ $top: 2 }));
    assert.deepEqual(sessions.body, await service().get("Sessions").query({ $top: 2 }));
  },

  "a batch with relative URLs, of whole sets": async () => {
    const relative = o(root, { batch: { endpoint: "$batch", boundaryPrefix: "batch_", useRelativeURLs: true } });
    const [sessions, users] = await relative.get("Sessions").get("Users").batch();
    assert.equal(sessions.body.length, await countOf(root, "Sessions"));
    assert.equal(users.body.length, await countOf(root, "Users"));
    return `${sessions.body.length} sessions, ${users.body.length} users`;
  },

  "an error in a batch is its last answer": async () => {
    const answers = await service().get("Users").get("Userz").get("Machines").batch({ $top: 1 });
    assert.deepEqual(answers.map((answer) => answer.status), [200, 404]);
    assert.match(answers[1].body.error.message, /Userz/);
  },
});
