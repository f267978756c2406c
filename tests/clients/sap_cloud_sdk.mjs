// SAP Cloud SDK: asks for a token with HEAD before each batch, and wants each body on one line.
//
// usage: node sap_cloud_sdk.mjs SERVICE_ROOT
import assert from "node:assert/strict";
import { countOf, load, run, serviceRoot } from "./report.mjs";

const { AllFields, Entity, FieldBuilder, GetAllRequestBuilder, GetByKeyRequestBuilder, ODataBatchRequestBuilder, defaultDeSerializers, desc } =
  load("@sap-cloud-sdk/odata-v4");
const { setGlobalLogLevel } = load("@sap-cloud-sdk/util");
// It warns of the token that there is none.
setGlobalLogLevel("error");

const root = serviceRoot();
const { origin: url, pathname } = new URL(root);
const path = pathname.replace(/\/$/, "");
const destination = { url };

/** What its generator would write for a set, as far as it is used here. */
class User extends Entity {}
Object.assign(User, { _entityName: "Users", _defaultBasePath: path, _keys: ["Id"] });

class UserApi {
  deSerializers = defaultDeSerializers;
  entityConstructor = User;
  #fields = new FieldBuilder(User, this.deSerializers);
  schema = {
    ID: this.#fields.buildEdmTypeField("Id", "Edm.Int64", false),
    USER_NAME: this.#fields.buildEdmTypeField("UserName", "Edm.String", true),
    ALL_FIELDS: new AllFields("*", User),
  };

  getAll() {
    return new GetAllRequestBuilder(this);
  }

  getByKey(Id) {
    return new GetByKeyRequestBuilder(this, { Id });
  }
}

const users = new UserApi();
const batch = (...requests) => new ODataBatchRequestBuilder(path, requests);

await run("sap_cloud_sdk", {
  "the whole set": async () => {
    const rows = await users.getAll().execute(destination);
    assert.equal(rows.length, await countOf(root, "Users"));
    assert.equal(new Set(rows.map((row) => String(row.id))).size, rows.length, "rows twice");
    return `${rows.length} users`;
  },

  "filter, order, skip and top": async () => {
    const { ID } = users.schema;
    const rows = await users.getAll().filter(ID.greaterThan(2)).orderBy(desc(ID)).skip(1).top(2).execute(destination);
    const all = await users.getAll().orderBy(desc(ID)).execute(destination);
    assert.deepEqual(rows.map((row) => String(row.id)), all.slice(1, 3).map((row) => String(row.id)));
  },

  "a batch, whichever way it writes its URLs": async () => {
    const [first] = await users.getAll().top(1).execute(destination);
    for (const kind of ["relativeToService", "noPath", "absolute"]) {
      const answers = await batch(users.getAll(), users.getByKey(first.id)).withSubRequestPathType(kind).execute(destination);
      assert.deepEqual(answers.map((answer) => [answer.isReadResponse(), answer.httpCode]), [[true, 200], [true, 200]], kind);
      const [all, one] = answers.map((answer) => answer.as(users));
      assert.equal(all.length, await countOf(root, "Users"), kind);
      assert.equal(one[0].userName, first.userName, kind);
    }
  },

  "an error in a batch": async () => {
    const answers = await batch(users.getByKey(999999999), users.getAll()).execute(destination);
    assert.equal(answers.length, 1);
    assert.ok(answers[0].isError());
    assert.equal(answers[0].httpCode, 404);
    assert.match(answers[0].body.error.message, /999999999/);
  },

  "an error in a batch that goes on": async () => {
    const asked = batch(users.getByKey(999999999), users.getAll().top(2));
    const answers = await asked.addCustomHeaders({ Prefer: "odata.continue-on-error" }).execute(destination);
    assert.deepEqual(answers.map((answer) => answer.httpCode), [404, 200]);
  },
});
