#!/usr/bin/env python3
"""Plays Power Query, the engine inside Power BI and Excel: its requests, its headers, and what its reader insists on.

usage: power_query.py [--upstream-page N] SERVICE_ROOT [SERVICE_ROOT...]

Needs nothing but Python. More than one root: the same service on its other addresses. With --upstream-page the
table of sessions has to be several such pages long, so that a whole answer proves that pages were joined.
"""

import argparse
import concurrent.futures
import datetime
import fnmatch
import gzip
import http.client
import json
import re
import threading
import urllib.parse
import uuid
import xml.etree.ElementTree as ElementTree

from report import Report, expect

# What Power Query sends before it knows the version of a service.
ACCEPT = (
    "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,"
    "application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7"
)
HEADERS = {
    "Accept": ACCEPT,
    "User-Agent": "Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)",
    "OData-MaxVersion": "4.0",
    "MaxDataServiceVersion": "3.0",
    "Accept-Encoding": "gzip, deflate",
}

JSON_TYPE = {"odata.metadata": "minimal", "odata.streaming": "true", "charset": "utf-8"}
LINKS = {
    "context", "nextLink", "deltaLink", "id", "editLink", "readLink",
    "navigationLink", "associationLink", "mediaReadLink", "mediaEditLink",
}  # fmt: skip
# Sets whose rows carry secrets; the proxy keeps them back unless told otherwise.
BLOCKED = ["DirectorAgent", "NotificationAction*", "NotificationEmail*", "NotificationSnmp*"]
# The tables of a usual report, loaded at the same time.
REPORT = [
    "Sessions", "Machines", "Users", "DesktopGroups", "Connections",
    "Catalogs", "Applications", "Hypervisors", "MachineFailureLogs", "ConnectionFailureLogs",
]  # fmt: skip
NOTHING = "00000000-0000-0000-0000-000000000000"


def encode(text):
    """Percent-encodes a value as Power Query does: everything but letters, digits and `-._~`."""
    return urllib.parse.quote(text, safe="")


def query(**options):
    """`query(filter="Id eq 1", top=3)` is `?$filter=Id%20eq%201&$top=3`."""
    return "?" + "&".join(f"${name}={encode(str(value))}" for name, value in options.items())


def unique(pairs):
    """Refuses a JSON object that has a member twice."""
    names = [name for name, _ in pairs]
    expect(len(names) == len(set(names)), f"an object has a member twice: {names}")
    return dict(pairs)


class Reply:
    """One answer, with its body decoded from gzip."""

    def __init__(self, method, url, response):
        self.request = f"{method} {url}"
        self.status = response.status
        self.headers = response.headers
        self.wire = response.read()  # Raises IncompleteRead when the body was cut.
        self.encoding = self.headers.get("Content-Encoding", "identity")
        expect(self.encoding in ("identity", "gzip"), f"{self.request}: Content-Encoding {self.encoding} was not asked for")
        self.body = gzip.decompress(self.wire) if self.encoding == "gzip" and self.wire else self.wire

    def media(self):
        """The media type and its parameters."""
        return media_type(self.headers.get("Content-Type", ""))

    def json(self):
        """The body as JSON, in the order of its members."""
        return json.loads(self.body.decode("utf-8"), object_pairs_hook=unique)

    def error(self, status, code=None):
        """The message of the error that this reply has to be."""
        expect(self.status == status, f"{self.request}: {status} expected, got {self.status} {self.body[:200]!r}")
        error = self.json()["error"]
        expect(code is None or error["code"] == code, f"{self.request}: code {code} expected, got {error['code']}")
        return json.dumps(error, ensure_ascii=False)

    def cache(self):
        """The parameters of our member of `Cache-Status`."""
        value = self.headers.get("Cache-Status", "")
        name, *parameters = [part.strip() for part in value.split(",")[-1].split(";")]
        expect(name == "citrix-odata-proxy", f"{self.request}: Cache-Status is {value!r}")
        return dict(part.partition("=")[::2] for part in parameters)


def media_type(text):
    """`a/b;c=d` is `("a/b", {"c": "d"})`."""
    name, *parameters = [part.strip() for part in text.split(";")]
    return name.lower(), {key.lower(): value.strip('"').lower() for key, _, value in (part.partition("=") for part in parameters)}


class Service:
    """The service under one of its addresses."""

    # Seconds without a byte after which a connection gives up.
    PATIENCE = 60

    def __init__(self, root):
        self.root = root.rstrip("/")
        parts = urllib.parse.urlsplit(self.root)
        expect(parts.scheme == "http" and parts.port and parts.path, f"a service root like http://127.0.0.1:8484/monitorodata, not {root}")
        self.address = (parts.hostname, parts.port)
        self.authority = parts.netloc
        self.origin = f"http://{parts.netloc}"
        self.path = parts.path

    def known_as(self, name):
        """The same socket under another name."""
        known = Service(f"http://{name}:{self.address[1]}{self.path}")
        known.address = self.address
        return known

    def send(self, target, method="GET", host=None, body=None, connection=None, **headers):
        """One request with a target written exactly so. Holds every answer to what all answers owe the client."""
        # Underscores stand for hyphens; a value of None leaves out a header.
        wanted = {"Host": host or self.authority, **HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
        own = connection is None
        connection = connection or self.connect()
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in wanted.items():
                if value is not None:
                    connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            reply = Reply(method, target, connection.getresponse())
        finally:
            if own:
                connection.close()
        self.owed(reply, method)
        return reply

    def connect(self):
        """A connection for one request after the other."""
        return http.client.HTTPConnection(*self.address, timeout=self.PATIENCE)

    def owed(self, reply, method):
        """What every answer owes the client, an error too."""
        what = f"{reply.request} ({reply.status})"
        expect(reply.status not in (401, 403, 308), f"{what}: makes Power Query ask for credentials, or isn't followed")
        versions = reply.headers.get_all("OData-Version") or []
        expect(versions == ["4.0"] or (not versions and reply.status == 304), f"{what}: OData-Version is {versions}, not one 4.0")
        if reply.status in (429, 503):
            expect((reply.headers.get("Retry-After") or "").isdigit(), f"{what}: Retry-After is not a whole number of seconds")
        if method == "HEAD" or reply.status in (204, 304):
            expect(not reply.wire, f"{what}: has a body")
            return
        if reply.wire:
            types = reply.headers.get_all("Content-Type") or []
            expect(len(types) == 1, f"{what}: Content-Type is {types}")
        if reply.status >= 400:
            expect(reply.media()[0] == "application/json", f"{what}: the error's Content-Type is {reply.headers.get('Content-Type')}")
            error = reply.json().get("error")
            expect(isinstance(error, dict) and error.get("code") and error.get("message"), f"{what}: no OData error in {reply.body[:200]!r}")

    def get(self, rest="", **headers):
        """`GET` below the root. `rest` begins with a slash or a question mark."""
        return self.send(self.path + rest, **headers)

    def payload(self, rest, level="minimal", **headers):
        """A JSON document that answers 200 and that a strict reader would take."""
        reply = self.get(rest, **headers)
        expect(reply.status == 200, f"{reply.request}: {reply.status} {reply.body[:300]!r}")
        expect(
            reply.media() == ("application/json", {**JSON_TYPE, "odata.metadata": level}),
            f"{reply.request}: Content-Type is {reply.headers['Content-Type']}",
        )
        expect(not reply.body.startswith(b"\xef\xbb\xbf"), f"{reply.request}: begins with a byte order mark")
        document = reply.json()
        expect(isinstance(document, dict) and document, f"{reply.request}: not a JSON object")
        first, context = next(iter(document.items()))
        expect(first == "@odata.context", f"{reply.request}: the first member is {first}")
        expect(
            isinstance(context, str) and re.match(re.escape(f"{self.root}/$metadata") + "(#|$)", context),
            f"{reply.request}: the context is {context}",
        )
        self.links(document, reply.request)
        return reply, document

    def links(self, value, request):
        """Holds every link at any depth to this address; returns how many there are."""
        found = 0
        if isinstance(value, list):
            return sum(self.links(item, request) for item in value)
        if not isinstance(value, dict):
            return 0
        for name, inner in value.items():
            annotation = re.search(r"@(?:odata\.)?(\w+)$", name)
            if (annotation and annotation[1] in LINKS) or (name == "target" and isinstance(inner, str)):
                expect(inner is None or inner.startswith(f"{self.root}/"), f"{request}: {name} is {inner}, not under {self.root}")
                found += inner is not None
            found += self.links(inner, request)
        return found


class Model:
    """What `$metadata` says: sets, their types, keys, columns and navigation."""

    EDMX = "{http://docs.oasis-open.org/odata/ns/edmx}"
    EDM = "{http://docs.oasis-open.org/odata/ns/edm}"

    def __init__(self, text):
        document = ElementTree.fromstring(text)
        expect(document.tag == f"{self.EDMX}Edmx" and document.get("Version") == "4.0", f"not an Edmx of version 4.0: {document.tag}")
        self.types = {}
        self.containers = document.findall(f".//{self.EDM}EntityContainer")
        for schema in document.iter(f"{self.EDM}Schema"):
            for kind in ("EntityType", "EnumType", "ComplexType"):
                for element in schema.findall(f"{self.EDM}{kind}"):
                    self.types[f"{schema.get('Namespace')}.{element.get('Name')}"] = element
        self.sets = {item.get("Name"): item for box in self.containers for item in box.findall(f"{self.EDM}EntitySet")}

    def _all(self, set_name, path):
        """Elements of the set's type and of the types that it derives from."""
        name, found = self.sets[set_name].get("EntityType"), []
        while name:
            found = self.types[name].findall(path) + found
            name = self.types[name].get("BaseType")
        return found

    def key(self, set_name):
        return [item.get("Name") for item in self._all(set_name, f"{self.EDM}Key/{self.EDM}PropertyRef")]

    def columns(self, set_name):
        return {item.get("Name"): item.get("Type") for item in self._all(set_name, f"{self.EDM}Property")}

    def nullable(self, set_name, column):
        """Whether a column may be empty, as far as `$metadata` says."""
        found = [item for item in self._all(set_name, f"{self.EDM}Property") if item.get("Name") == column]
        return column not in self.key(set_name) and all(item.get("Nullable") != "false" for item in found)

    def literal(self, set_name, column, value):
        """A value as `$filter` and keys want it."""
        if self.columns(set_name)[column] == "Edm.String":
            return "'" + value.replace("'", "''") + "'"
        return str(value)

    def predicate(self, set_name, row, named=None, turned=False):
        """The key of a row in parentheses, percent-encoded."""
        names = self.key(set_name)
        named = len(names) > 1 if named is None else named
        literals = [(f"{name}=" if named else "") + encode(self.literal(set_name, name, row[name])) for name in names]
        return f"({','.join(reversed(literals) if turned else literals)})"


class PowerQuery:
    """The checks."""

    def __init__(self, services, upstream_page):
        self.services = services
        self.main = services[0]
        self.upstream_page = upstream_page
        self._model = None

    @property
    def model(self):
        if self._model is None:
            self._model = Model(self.main.get("/$metadata").body)
        return self._model

    # What checks are made of.

    def collection(self, set_name, options="", service=None, level="minimal", paged=False, **headers):
        """A collection that a strict reader would take; the rows, the document and the reply."""
        reply, document = (service or self.main).payload(f"/{set_name}{options}", level, **headers)
        plain = [name for name in document if "@" not in name]
        expect(plain == ["value"], f"{reply.request}: members besides annotations are {plain}")
        expect(isinstance(document["value"], list), f"{reply.request}: value is not an array")
        expect(paged or "@odata.nextLink" not in document, f"{reply.request}: has a next link that nobody asked for")
        self.fragment(document["@odata.context"], reply.request)
        return document["value"], document, reply

    def rows(self, set_name, options="", **headers):
        """The rows of a collection, of which there must be some."""
        rows, _, reply = self.collection(set_name, options, **headers)
        expect(rows, f"{reply.request}: no rows")
        return rows

    def entity(self, rest):
        """One entity, without its annotations."""
        reply, document = self.main.payload(rest)
        self.fragment(document["@odata.context"], reply.request)
        expect("value" not in document, f"{reply.request}: a collection, not one entity")
        return {name: value for name, value in document.items() if "@" not in name}, document

    def fragment(self, context, request):
        """The part of the context that names a set of the model."""
        _, _, fragment = context.partition("#")
        expect("%" not in fragment, f"{request}: the context is percent-encoded: {context}")
        expect(fragment.count("(") == fragment.count(")"), f"{request}: parentheses don't match in {context}")
        name = re.match(r"\w*", fragment)[0]
        expect(name in self.model.sets, f"{request}: {name!r} of the context is no entity set of $metadata")

    def count(self, set_name, options=""):
        """What `Set/$count` says."""
        reply = self.main.get(f"/{set_name}/$count{options}")
        expect(reply.status == 200 and reply.media()[0] == "text/plain", f"{reply.request}: {reply.status} {reply.headers['Content-Type']}")
        expect(re.fullmatch(rb"\d+", reply.body), f"{reply.request}: {reply.body[:50]!r} is not a number")
        return int(reply.body)

    def keys(self, set_name, rows):
        """The keys of the rows, each of which may be there once."""
        names = self.model.key(set_name)
        keys = [tuple(row[name] for name in names) for row in rows]
        expect(len(keys) == len(set(keys)), f"{set_name}: {len(keys) - len(set(keys))} rows twice")
        return set(keys)

    # The request sequence.

    def service_document(self):
        """Step 1: the address as it was typed."""
        for rest in ("", "/"):
            reply, document = self.main.payload(rest)
            expect(document["@odata.context"] == f"{self.main.root}/$metadata", f"{reply.request}: context {document['@odata.context']}")
            items = document["value"]
            expect(items, f"{reply.request}: no sets")
            for item in items:
                expect({"name", "url"} <= set(item) <= {"name", "url", "kind", "title"}, f"{reply.request}: members {list(item)}")
                target = urllib.parse.urljoin(f"{self.main.root}/", item["url"])
                expect(target.startswith(f"{self.main.root}/"), f"{reply.request}: {item['url']} leads elsewhere")
            sets = [item["name"] for item in items if item.get("kind", "EntitySet") == "EntitySet"]
            expect(sorted(sets) == sorted(self.model.sets), f"not the sets of $metadata: {set(sets) ^ set(self.model.sets)}")
        return f"{len(sets)} sets"

    def metadata(self):
        """Step 2: XML whatever `Accept` says, and sound in itself."""
        for accept in (ACCEPT, "application/xml", "*/*", "application/json", "text/html,application/xhtml+xml,*/*;q=0.8"):
            reply = self.main.get("/$metadata", Accept=accept)
            expect(reply.status == 200, f"{reply.request}: {reply.status}")
            expect(reply.media()[0] == "application/xml", f"with Accept {accept}: Content-Type {reply.headers['Content-Type']}")
        model = Model(reply.body)
        expect(len(model.containers) == 1 and model.sets, "not one container with sets")
        for name, element in model.sets.items():
            expect(element.get("EntityType") in model.types, f"the type of {name} is not declared: {element.get('EntityType')}")
            expect(model.key(name), f"{name} has no key")
            for binding in element.findall(f"{model.EDM}NavigationPropertyBinding"):
                target = binding.get("Target").split("/")[-1]
                expect(target in model.sets, f"{name} is bound to {target}, which is no set")
        return f"{len(model.types)} types"

    def probe(self):
        """The schema evaluation: every table of the navigator with no rows."""
        for name in self.model.sets:
            rows, document, reply = self.collection(name, query(top=0))
            expect(rows == [], f"{reply.request}: {len(rows)} rows")
            expect(document["@odata.context"].endswith(f"#{name}"), f"{reply.request}: context {document['@odata.context']}")
        return f"{len(self.model.sets)} sets"

    def preview(self):
        """Steps 3 and 4: the first 1000 rows, and what the editor's steps make of them."""
        sample = self.rows("Machines", query(top=1000))[0]
        expect(list(sample) == list(self.model.columns("Machines")), f"columns {list(sample)} are not those of $metadata in their order")
        options = query(filter=f"Name eq {self.model.literal('Machines', 'Name', sample['Name'])}", select="Id,Name", top=1000)
        rows, document, reply = self.collection("Machines", options)
        expect(rows == [{"Id": sample["Id"], "Name": sample["Name"]}], f"{reply.request}: {rows}")
        expect(document["@odata.context"].endswith("#Machines(Id,Name)"), f"{reply.request}: context {document['@odata.context']}")

    def whole(self):
        """Step 6: the load itself, in one answer, each row once."""
        notes = []
        for name in ("Sessions", "Machines", "Users", "DesktopGroups", "Connections"):
            rows = self.rows(name)
            self.keys(name, rows)
            counted, document, _ = self.collection(name, query(count="true", top=0))
            numbers = (len(rows), self.count(name), document["@odata.count"])
            expect(len(set(numbers)) == 1 and counted == [], f"{name}: rows, $count and $count=true are {numbers}")
            _, document, _ = self.collection(name, query(count="true"))
            expect(document["@odata.count"] == len(document["value"]) == len(rows), f"{name}: with $count=true {document['@odata.count']}")
            notes.append(f"{name} {len(rows)}")
            if name == "Sessions":
                expect(len(rows) > 2 * self.upstream_page, f"{len(rows)} sessions are too few to prove that pages are joined")
        return ", ".join(notes)

    def ordered(self):
        """`$orderby` over all pages, and windows of it across their borders."""
        identifiers = [row["SessionKey"] for row in self.rows("Sessions", query(orderby="StartDate,SessionKey"))]
        expect(len(identifiers) == self.count("Sessions"), f"{len(identifiers)} sessions in order")
        dates = [row["StartDate"] for row in self.rows("Sessions", query(orderby="StartDate desc", select="StartDate"))]
        moments = [instant(date) for date in dates if date]
        expect(len(set(moments)) > 1 and moments == sorted(moments, reverse=True), "not in descending order")
        page = self.upstream_page
        for skip, top in ((0, page + 7), (page - 1, 3), (page // 2, 2 * page)):
            part = self.rows("Sessions", query(orderby="StartDate,SessionKey", skip=skip, top=top))
            expect([row["SessionKey"] for row in part] == identifiers[skip : skip + top], f"$skip={skip}&$top={top} is another part")
        beyond, _, reply = self.collection("Sessions", query(skip=len(identifiers)))
        expect(beyond == [], f"{reply.request}: rows beyond the end")

    def incremental(self):
        """Incremental refresh: a window of time, in UTC and in local time as the editor's dialog writes it."""
        moments = sorted({instant(row["StartDate"]) for row in self.rows("Sessions", query(select="StartDate")) if row["StartDate"]})
        expect(len(moments) > 3, "too few dates to cut a window")
        start, end = (moments[len(moments) // part].replace(microsecond=0) for part in (4, 2))
        every = self.rows("Sessions")
        wanted = {row["SessionKey"] for row in every if row["StartDate"] and start <= instant(row["StartDate"]) < end}
        for zone in (datetime.timezone.utc, datetime.timezone(datetime.timedelta(hours=1))):
            text = [moment.astimezone(zone).isoformat().replace("+00:00", "Z") for moment in (start, end)]
            rows = self.rows("Sessions", query(filter=f"StartDate ge {text[0]} and StartDate lt {text[1]}"))
            found = {row["SessionKey"] for row in rows}
            expect(found == wanted, f"{len(found)} sessions from {text[0]} to {text[1]}, {len(wanted)} expected")
        return f"{len(wanted)} of {len(every)} sessions"

    # Writing of addresses and queries.

    def spellings(self):
        """The same question as different clients write it."""
        machine = self.rows("Machines", query(top=1))[0]
        name = machine["Name"].replace("'", "''")
        asked = encode(name)
        spelled = [
            f"?$filter=Name%20eq%20%27{asked}%27",
            f"?%24filter=Name%20eq%20%27{asked}%27",
            f"?$filter=Name+eq+'{asked}'",
            f"?$filter=Name%20eq%20'{asked}'",
            f"?%24filter=%28Name%20eq%20%27{asked}%27%29",
            f"?%24top=5&%24filter=Name+eq+%27{asked}%27",
            f"?$top=5&$filter=Name%20eq%20%27{asked}%27",
        ]
        for options in spelled:
            rows, _, reply = self.collection("Machines", options)
            expect([row["Id"] for row in rows] == [machine["Id"]], f"{reply.request}: {len(rows)} rows")
        return f"{len(spelled)} spellings"

    def quotes(self):
        """A doubled quote inside a literal, and `&`, `#`, `+` and `%` that belong to it."""
        machine = self.rows("Machines", query(top=1))[0]
        for text in ("O'Neil", "a&b", "a#b", "a+b", "100%", "a/b", "a;b", "ü"):
            literal = "'" + text.replace("'", "''") + "'"
            rows = self.rows("Machines", query(filter=f"Name ne {literal} and Id eq {machine['Id']}"))
            expect([row["Id"] for row in rows] == [machine["Id"]], f"{text}: {len(rows)} rows")

    def slashes(self):
        """Missing and extra slashes; nothing is redirected."""
        path = self.main.path
        plain = self.rows("Machines", query(top=2))
        for target in (f"{path}//Machines", f"/{path}/Machines", f"{path}/Machines/", f"{path}//Machines//"):
            reply = self.main.send(target + query(top=2))
            expect(reply.status == 200 and reply.json().get("value") == plain, f"{target}: {reply.status}, or other rows")
        for target in (f"{path}/$metadata/", f"{path}//$metadata", f"{path}/%24metadata"):
            reply = self.main.send(target)
            expect(reply.status == 200 and reply.media()[0] == "application/xml", f"{target}: {reply.status} {reply.headers['Content-Type']}")

    def text(self):
        """Names beyond ASCII arrive, and can be asked for; old readers need the charset."""
        people = self.rows("Users")
        person = next((row for row in people if re.search(r"\w \w", row["FullName"] or "") and not row["FullName"].isascii()), None)
        expect(person, "no user has a name beyond ASCII with a space in it")
        literal = self.model.literal("Users", "FullName", person["FullName"])
        plus, _, reply = self.collection("Users", "?$filter=FullName+eq+" + encode(literal).replace("%20", "%2B"))
        expect(plus == [], f"{reply.request}: an encoded plus became a space")
        rows, _, reply = self.collection("Users", query(filter=f"FullName eq {literal}"))
        expect(person["Id"] in [row["Id"] for row in rows], f"{reply.request}: not found")
        expect({row["FullName"] for row in rows} == {person["FullName"]}, f"{reply.request}: {rows}")
        expect(reply.media()[1].get("charset") == "utf-8", f"{reply.request}: Content-Type {reply.headers['Content-Type']}")
        expect(person["FullName"] in reply.body.decode("utf-8") or "\\u" in reply.body.decode("ascii", "replace"), "the name is garbled")
        return person["FullName"]

    # Links.

    def addresses(self):
        """Every name of this machine gets links of its own, for one and the same stored answer."""
        names = []
        for service in self.services:
            for known in (service, service.known_as("localhost")):
                for options in (query(top=2), query(top=2, expand="Sessions")):
                    _, document, _ = self.collection("Machines", options, service=known)
                known.payload("")
                paged, document, reply = self.collection("Machines", service=known, paged=True, Prefer="odata.maxpagesize=2")
                expect(len(paged) == 2 and "@odata.nextLink" in document, f"{reply.request}: no page of two rows with a next link")
                names.append(known.authority)
        expect(len(names) == len(set(names)) >= 2, f"not enough addresses: {names}")
        return ", ".join(names)

    def full(self):
        """Full metadata, as Tableau's library asks for it: every link is ours, and leads to its row."""
        accept = "application/json;odata.metadata=full"
        rows, document, reply = self.collection("Sessions", query(top=3), level="full", Accept=accept)
        found = self.main.links(rows, reply.request)
        expect(len(rows) == 3 and found >= 3, f"{reply.request}: {found} links in {len(rows)} rows")
        row = rows[0]
        link = row.get("@odata.id") or row.get("@odata.editLink")
        expect(link, f"{reply.request}: a row without an address")
        one, _ = self.entity(link[len(self.main.root) :])
        expect(one["SessionKey"] == row["SessionKey"], f"{link}: another row")
        machine, _ = self.entity(row["Machine@odata.navigationLink"][len(self.main.root) :])
        expect(machine["Id"] == row["MachineId"], "the navigation link leads to another machine")
        return f"{found} links"

    def expanded(self):
        """Expanded tables inside rows, single and many."""
        sessions = self.rows("Sessions", query(expand="Machine", top=5))
        joined = [row for row in sessions if row.get("Machine")]
        expect(joined and all(row["Machine"]["Id"] == row["MachineId"] for row in joined), "sessions without their machine")
        machines = self.rows("Machines", query(expand="Sessions"))
        children = [(row["Id"], child["MachineId"]) for row in machines for child in row["Sessions"]]
        expect(children and all(own == other for own, other in children), f"{len(children)} sessions in their machines")
        return f"{len(joined)} single, {len(children)} of many"

    # Keys.

    def by_key(self):
        """`Set(key)` and `Set(Id=key)`, which Citrix Cloud refuses."""
        for name in ("Machines", "Users", "Sessions"):
            row = self.rows(name, query(top=2))[-1]
            for named in (False, True):
                rest = f"/{name}{self.model.predicate(name, row, named)}"
                one, document = self.entity(rest)
                expect(one == row, f"{rest}: another row")
                expect(document["@odata.context"].endswith(f"#{name}/$entity"), f"{rest}: context {document['@odata.context']}")
        one, _ = self.entity(f"/Machines{self.model.predicate('Machines', self.rows('Machines', query(top=1))[0])}{query(select='Id,Name')}")
        expect(list(one) == ["Id", "Name"], f"$select with a key gives {list(one)}")

    def composite(self):
        """Keys of several parts, in any order of them."""
        tried = []
        for name in ("ResourceUtilizationSummary", "MachineMetric", "CloudConnectorServiceStatus"):
            rows, _, _ = self.collection(name, query(top=3))
            expect(rows or name == "CloudConnectorServiceStatus", f"{name} is empty")
            for row in rows[-1:]:
                expect(len(self.model.key(name)) > 1, f"the key of {name} is {self.model.key(name)}")
                for turned in (False, True):
                    rest = f"/{name}{self.model.predicate(name, row, turned=turned)}"
                    expect(self.entity(rest)[0] == row, f"{rest}: another row")
                plain = urllib.parse.unquote(rest)
                if plain.isascii() and " " not in plain and "'" not in plain:
                    expect(self.entity(plain)[0] == row, f"{plain}: another row")
                tried.append(name)
        return ", ".join(tried)

    def navigation(self):
        """`Set(key)/Navigation`, to one and to many."""
        session = next(row for row in self.rows("Sessions", query(top=20)) if row["MachineId"] and row["UserId"])
        start = f"/Sessions{self.model.predicate('Sessions', session)}"
        expect(self.entity(f"{start}/Machine")[0]["Id"] == session["MachineId"], "another machine")
        expect(self.entity(f"{start}/User")[0]["Id"] == session["UserId"], "another user")
        machine = f"Machines({session['MachineId']})"
        rows = self.rows(f"{machine}/Sessions")
        wanted = self.rows("Sessions", query(filter=f"MachineId eq {session['MachineId']}"))
        expect(self.keys("Sessions", rows) == self.keys("Sessions", wanted), f"{len(rows)} sessions of the machine, {len(wanted)} expected")
        return f"{len(rows)} sessions of one machine"

    def no_such_key(self):
        """A key that matches nothing."""
        for rest in (f"/Machines({NOTHING})", "/Users(999999999999)", f"/Machines({NOTHING})/Sessions"):
            self.main.get(rest).error(404)

    # Errors and methods.

    def blocked(self):
        """Sets that carry secrets are neither listed nor served."""
        shown = [name for name in self.model.sets for pattern in BLOCKED if fnmatch.fnmatchcase(name, pattern)]
        expect(not shown, f"$metadata lists {shown}")
        listed = [item["name"] for item in self.main.payload("")[1]["value"]]
        expect(listed and not set(shown) & set(listed), "the service document lists them")
        for name in ("DirectorAgent", "NotificationActionEmails", "NotificationEmailServerConfigurations", "NotificationSnmpConfigurations"):
            expect(name not in listed, f"the service document lists {name}")
            for rest in (f"/{name}", f"/{name}?$top=1", f"/{name}/$count", f"/{name}({NOTHING})"):
                self.main.get(rest).error(404, "EntitySetBlocked")

    def unknown(self):
        """A set that doesn't exist, and what it may have been meant to be."""
        expect("Machines" in self.main.get("/Machins").error(404), "the error names no close set")
        self.main.get("/Machines/Nonsense/At/All").error(404)

    def refused(self):
        """A query that upstream refuses keeps its status and comes with a body."""
        message = self.main.get("/Machines" + query(filter="Nonsense eq 1")).error(400)
        expect("Nonsense" in message, f"the message doesn't tell what is wrong: {message}")
        self.main.get("/Machines" + query(filter="Id eq")).error(400)

    def host(self):
        """A name that isn't ours: a page in a browser may not read this service."""
        for name in ("evil.example", f"evil.example:{self.main.address[1]}", "127.0.0.1.evil.example", "localhost.evil.example"):
            self.main.send(f"{self.main.path}/Machines", host=name).error(421, "HostNotAllowed")

    def encoding(self):
        """Percent-encoding that cannot be read."""
        for rest in ("/Machines?$filter=Name%20eq%20%zz", "/Machines?$filter=100%", "/%zz"):
            self.main.get(rest).error(400, "InvalidRequest")

    def methods(self):
        """Reading only: `HEAD` and `OPTIONS` are answered, the rest is refused with `Allow`."""
        connection = self.main.connect()
        for rest in ("", "/$metadata", "/Machines"):
            target = self.main.path + rest
            head = self.main.send(target, method="HEAD", connection=connection)
            # On the same connection: a body behind HEAD would garble this answer.
            get = self.main.send(target, connection=connection)
            expect(head.status == get.status == 200, f"HEAD and GET of {target}: {head.status} and {get.status}")
            expect(get.wire and head.headers["Content-Type"] == get.headers["Content-Type"], f"HEAD of {target}: {head.headers['Content-Type']}")
        connection.close()
        options = self.main.get("/Machines", method="OPTIONS")
        expect(options.status in (200, 204), f"OPTIONS: {options.status}")
        refused = [self.main.get("/Machines", method=method, body=b"{}", Content_Type="application/json") for method in ("POST", "PUT", "PATCH", "DELETE")]
        for reply in refused:
            reply.error(405, "MethodNotAllowed")
        for reply in (options, *refused):
            allow = {method.strip() for method in (reply.headers.get("Allow") or "").split(",")}
            expect({"GET", "HEAD", "OPTIONS"} <= allow, f"{reply.request}: Allow is {sorted(allow)}")
            expect(not allow & {"PUT", "PATCH", "DELETE"}, f"{reply.request}: Allow is {sorted(allow)}")
            expect("Access-Control-Allow-Origin" not in reply.headers, f"{reply.request}: other pages are let in")

    # HTTP.

    def compressed(self):
        """gzip for those who ask, and nothing for those who don't."""
        zipped = self.main.get("/Sessions")
        plain = self.main.get("/Sessions", Accept_Encoding=None)
        expect(plain.encoding == "identity", f"Content-Encoding {plain.encoding} was not asked for")
        expect(zipped.status == plain.status == 200 and len(plain.body) > 1000, f"{zipped.status} and {plain.status}, {len(plain.body)} bytes")
        expect(zipped.body == plain.body, "the compressed body is another one")
        vary = {name.strip().lower() for name in (zipped.headers.get("Vary") or "").split(",")}
        expect("accept" in vary and (zipped.encoding == "identity" or "accept-encoding" in vary), f"Vary is {vary}")
        return f"{zipped.encoding}, {len(zipped.wire)} of {len(plain.body)} bytes"

    def credentials(self):
        """What clients send although nobody asked: an empty bearer token, foreign credentials, cookies."""
        for value in ("Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "CwsAuth Bearer=nonsense"):
            reply = self.main.get("/Machines" + query(top=1), Authorization=value, Cookie="a=b")
            expect(reply.status == 200 and len(reply.json()["value"]) == 1, f"Authorization {value!r}: {reply.status}")

    def paged(self):
        """Pages for a client that asks for them: links of our own, and all rows in the end."""
        size = max(7, self.upstream_page // 2 + 3)
        whole = self.keys("Sessions", self.rows("Sessions"))
        expect(len(whole) > 2 * size, "too few sessions for three pages")
        for name, again in (("odata.maxpagesize", True), ("maxpagesize", True), ("odata.maxpagesize", False)):
            preference = f"{name}={size}"
            rows, sizes, rest = [], [], "/Sessions" + query(count="true")
            while rest:
                asked = {"Prefer": preference} if again or not sizes else {}
                part, document, reply = self.collection(rest[1:], paged=True, **asked)
                if not sizes:
                    expect(document["@odata.count"] == len(whole), f"{reply.request}: @odata.count is {document['@odata.count']}")
                    applied = reply.headers.get("Preference-Applied") or ""
                    expect(f"maxpagesize={size}" in applied.replace(" ", ""), f"{reply.request}: Preference-Applied is {applied!r}")
                rows += part
                sizes.append(len(part))
                expect(len(sizes) <= len(whole), "the next links go round in circles")
                link = document.get("@odata.nextLink")
                rest = link and link[len(self.main.root) :]
            expect(self.keys("Sessions", rows) == whole, f"{preference}: {len(rows)} rows in pages, {len(whole)} in one answer")
            expect(sizes[0] == size, f"{preference}: the first page has {sizes[0]} rows")
            expect(not again or (set(sizes[:-1]) == {size} and 0 < sizes[-1] <= size), f"{preference}: pages of {sizes}")
        return f"pages of {size} rows"

    def cached(self):
        """The second read is a hit, until the client asks for a fresh one."""
        # A question that nobody asked before.
        options = query(filter=f"Id ne {uuid.uuid4()}", select="Id,Name", top=5)
        first, _, reply = self.collection("Machines", options)
        expect(first and "fwd" in reply.cache() and "hit" not in reply.cache(), f"the first read: Cache-Status {reply.headers['Cache-Status']}")
        second, _, reply = self.collection("Machines", options)
        expect("hit" in reply.cache() and "fwd" not in reply.cache(), f"the second read: Cache-Status {reply.headers['Cache-Status']}")
        expect((reply.headers.get("Age") or "").isdigit(), f"the second read: Age is {reply.headers.get('Age')!r}")
        expect(first == second, "the second read has other rows")
        fresh, _, reply = self.collection("Machines", options, Cache_Control="no-cache")
        expect(fresh and "fwd" in reply.cache() and "hit" not in reply.cache(), f"with no-cache: Cache-Status {reply.headers['Cache-Status']}")

    def unchanged(self):
        """`ETag` and 304, also across the names of this machine."""
        for rest in ("", "/$metadata", "/Machines" + query(top=2)):
            reply = self.main.get(rest)
            etag = reply.headers.get("ETag") or ""
            expect(re.fullmatch(r'(W/)?"[^"]+"', etag), f"{reply.request}: ETag is {etag!r}")
            again = self.main.get(rest, If_None_Match=etag)
            expect(again.status == 304 and again.headers.get("ETag") == etag, f"{reply.request} with its ETag: {again.status} {again.headers.get('ETag')}")
            listed = self.main.get(rest, If_None_Match=f'"other", {etag}')
            expect(listed.status == 304, f"{reply.request} with its ETag in a list: {listed.status}")
            other = self.main.get(rest, If_None_Match='"other"')
            expect(other.status == 200 and other.body == reply.body, f"{reply.request} with another ETag: {other.status}")

    def parallel(self):
        """A refresh loads its tables at the same time, each several times over."""
        times = 3
        barrier = threading.Barrier(len(REPORT) * times, timeout=60)

        def load(name):
            # Not the questions of the other checks, so that nothing is cached.
            options = query(select=",".join(self.model.key(name)), count="true")
            barrier.wait()
            rows, document, reply = self.collection(name, options)
            expect(rows and len(rows) == document["@odata.count"], f"{reply.request}: {len(rows)} rows of {document['@odata.count']}")
            return name, frozenset(self.keys(name, rows))

        self.model  # Fetched before the threads begin.
        with concurrent.futures.ThreadPoolExecutor(barrier.parties) as pool:
            answers = list(pool.map(load, REPORT * times))
        for name in REPORT:
            expect(len({keys for other, keys in answers if other == name}) == 1, f"{name}: not the same rows each time")
        return f"{len(answers)} loads, {sum(len(keys) for _, keys in answers)} rows"


def instant(text):
    """A point in time, as OData writes it."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def main():
    parser = argparse.ArgumentParser(description="Plays Power Query against an OData service.")
    parser.add_argument("--upstream-page", type=int, default=10, metavar="N", help="rows on a page of the service behind the proxy")
    parser.add_argument("root", nargs="+", help="for example http://127.0.0.1:8484/monitorodata")
    arguments = parser.parse_args()
    client = PowerQuery([Service(root) for root in arguments.root], arguments.upstream_page)
    report = Report("power_query")
    for what, body in {
        "service document": client.service_document,
        "$metadata": client.metadata,
        "parallel load of a report": client.parallel,
        "zero-row probe of every set": client.probe,
        "preview with filter and select": client.preview,
        "whole collections": client.whole,
        "order, top and skip across pages": client.ordered,
        "incremental refresh windows": client.incremental,
        "spellings of a query": client.spellings,
        "special characters in literals": client.quotes,
        "slashes": client.slashes,
        "text beyond ASCII": client.text,
        "links on every address": client.addresses,
        "links in full metadata": client.full,
        "expanded navigation": client.expanded,
        "Set(key)": client.by_key,
        "composite keys": client.composite,
        "Set(key)/Navigation": client.navigation,
        "a key that matches nothing": client.no_such_key,
        "blocked sets": client.blocked,
        "unknown sets": client.unknown,
        "refused queries": client.refused,
        "foreign Host": client.host,
        "bad percent-encoding": client.encoding,
        "HEAD, OPTIONS and refused methods": client.methods,
        "gzip": client.compressed,
        "stray credentials": client.credentials,
        "pages on request": client.paged,
        "cache hit and no-cache": client.cached,
        "ETag and 304": client.unchanged,
    }.items():
        report.check(what, body)
    report.finish()


if __name__ == "__main__":
    main()
