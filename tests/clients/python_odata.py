#!/usr/bin/env python3
"""python-odata: builds classes from $metadata, then asks with them. Needs the package python-odata.

usage: python_odata.py SERVICE_ROOT
"""

import sys

import requests
from odata import ODataService
from odata.exceptions import ODataError
from report import Report, expect


class Client:
    """The checks."""

    def __init__(self, root):
        # The package joins names to this address: without the slash the last segment would be lost.
        self.root = root.rstrip("/") + "/"
        self._service = None

    @property
    def service(self):
        if self._service is None:
            self._service = ODataService(self.root, reflect_entities=True, quiet_progress=True)
        return self._service

    def entity(self, name):
        expect(name in self.service.entities, f"{name} is not among the reflected sets")
        return self.service.entities[name]

    def query(self, name):
        return self.service.query(self.entity(name))

    def count(self, name):
        """The yardstick, asked without the package."""
        reply = requests.get(f"{self.root}{name}/$count", timeout=60)
        expect(reply.status_code == 200 and reply.text.isdigit() and int(reply.text) > 0, f"{name}/$count: {reply.status_code} {reply.text[:200]}")
        return int(reply.text)

    def reflect(self):
        """The sets are those of the service document."""
        listed = [item["name"] for item in requests.get(self.root, timeout=60).json()["value"]]
        expect(listed and sorted(self.service.entities) == sorted(listed), f"{len(self.service.entities)} sets reflected, {len(listed)} listed")
        sessions = self.entity("Sessions")
        keys = [prop.name for _, prop in sessions().__odata__.primary_key_properties]
        expect(keys == ["SessionKey"], f"the key of Sessions is {keys}")
        expect(hasattr(sessions, "Machine"), "Sessions has no navigation to its machine")
        return f"{len(listed)} sets"

    def whole(self):
        """Iterating gives every row once."""
        notes = []
        for name in ("Sessions", "Machines", "Users"):
            rows = self.query(name).all()
            expect(len(rows) == self.count(name), f"{len(rows)} rows of {name}, {self.count(name)} expected")
            expect(len({row.__odata__.id for row in rows}) == len(rows), f"{name}: rows twice")
            notes.append(f"{name} {len(rows)}")
        return ", ".join(notes)

    def paged(self):
        """With a page size it follows the links, to the same rows."""
        session = requests.Session()
        session.headers["Prefer"] = "odata.maxpagesize=70"
        pages = []
        session.hooks["response"].append(lambda reply, **_: pages.append(reply.headers.get("Preference-Applied")))
        service = ODataService(self.root, session=session, reflect_entities=True, quiet_progress=True)
        pages.clear()
        rows = service.query(service.entities["Sessions"]).all()
        number = self.count("Sessions")
        expect(pages == ["odata.maxpagesize=70"] * -(-number // 70), f"{number} rows on these pages: {pages}")
        expect(len({row.SessionKey for row in rows}) == len(rows) == number, f"{len(rows)} rows, {number} expected")
        return f"{len(rows)} rows on {len(pages)} pages"

    def filtered(self):
        machines = self.entity("Machines")
        some = self.query("Machines").first()
        expect(some is not None and some.Name, "no machine")
        found = self.query("Machines").filter(machines.Name == some.Name).filter(machines.Id == some.Id).all()
        expect([row.Id for row in found] == [some.Id], f"{len(found)} machines")
        none = self.query("Machines").filter(machines.Name == some.Name + "'?&#%").all()
        expect(none == [], f"{len(none)} machines of a name that none has")

    def ordered(self):
        users = self.entity("Users")
        every = [row.Id for row in self.query("Users").order_by(users.Id.desc())]
        expect(len(every) > 4 and every == sorted(every, reverse=True), f"{len(every)} users, or not in descending order")
        part = [row.Id for row in self.query("Users").order_by(users.Id.desc()).offset(1).limit(3)]
        expect(part == every[1:4], f"{part} instead of {every[1:4]}")

    def limited(self):
        """The package follows no next link when `$top` is set, so these rows have to come at once."""
        wanted = self.count("Sessions") - 1
        rows = self.query("Sessions").limit(wanted).all()
        expect(len(rows) == wanted, f"{len(rows)} rows, {wanted} expected")
        return f"{wanted} rows"

    def counted(self):
        """The package counts with `Set/$count`."""
        number = self.query("Sessions").count()
        expect(number == self.count("Sessions"), f"{number} instead of {self.count('Sessions')}")
        users = self.entity("Users")
        some = self.query("Users").first()
        expect(self.query("Users").filter(users.Id <= some.Id).count() >= 1, "a filtered count of nothing")

    def by_key(self):
        some = self.query("Machines").first()
        expect(self.query("Machines").get(some.Id).Name == some.Name, "another machine")

    def navigated(self):
        """Follows `Set(key)/Navigation`, and expands it."""
        session = next((row for row in self.query("Sessions").limit(20) if row.MachineId), None)
        expect(session is not None, "no session on a machine")
        expect(session.Machine.Id == session.MachineId, "another machine")
        expanded = self.query("Sessions").expand(self.entity("Sessions").Machine).limit(3).all()
        expect(len(expanded) == 3 and all(row.Machine.Id == row.MachineId for row in expanded), "expanded sessions without their machine")

    def failed(self):
        """The package shows code and message of an OData error."""
        try:
            self.query("Machines").raw({"$filter": "Nonsense eq 1"})
        except ODataError as error:
            expect("400" in str(error) and "Nonsense" in str(error), f"the message is {error}")
        else:
            expect(False, "no error")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    client = Client(sys.argv[1])
    report = Report("python_odata")
    for what, body in {
        "reflection": client.reflect,
        "whole collections": client.whole,
        "page by page": client.paged,
        "filter": client.filtered,
        "order, limit and offset": client.ordered,
        "a limit beyond one page": client.limited,
        "count": client.counted,
        "one row by its key": client.by_key,
        "navigation": client.navigated,
        "an error with its message": client.failed,
    }.items():
        report.check(what, body)
    report.finish()


if __name__ == "__main__":
    main()
