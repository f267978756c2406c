#!/usr/bin/env python3
"""pandas: data frames from one whole answer, from its pages, and from a batch. Needs the packages pandas and requests.

usage: pandas_frames.py SERVICE_ROOT
"""

import io
import sys

import pandas
import requests
from report import Report, expect


class Client:
    """The checks."""

    def __init__(self, root):
        self.root = root.rstrip("/")

    def get(self, below, **more):
        reply = requests.get(f"{self.root}/{below}", timeout=60, **more)
        expect(reply.status_code == 200, f"{below}: {reply.status_code} {reply.text[:200]}")
        return reply

    def count(self, name):
        """The yardstick."""
        number = int(self.get(f"{name}/$count").text)
        expect(number > 0, f"no {name}")
        return number

    def sessions(self):
        """All rows, from one answer."""
        return pandas.json_normalize(self.get("Sessions").json()["value"])

    def whole(self):
        frame = self.sessions()
        expect(len(frame) == self.count("Sessions"), f"{len(frame)} rows")
        expect(frame["SessionKey"].is_unique, "rows twice")
        started = pandas.to_datetime(frame["StartDate"], format="ISO8601", utc=True)
        expect(started.notna().any(), "no dates")
        return f"{len(frame)} rows of {len(frame.columns)} columns"

    def read_json(self):
        """`read_json` wants an array, so the rows are taken out of the answer first."""
        text = self.get("Machines?$select=Id,Name").text
        rows = text[text.index("[") : text.rindex("]") + 1]
        frame = pandas.read_json(io.StringIO(rows))
        expect(list(frame.columns) == ["Id", "Name"] and len(frame) == self.count("Machines"), f"{frame.shape}")

    def paged(self):
        """The same rows, page by page along the links."""
        frames, address = [], f"{self.root}/Sessions"
        while address:
            reply = requests.get(address, headers={"Prefer": "odata.maxpagesize=70"}, timeout=60)
            expect(reply.status_code == 200, f"{address}: {reply.status_code} {reply.text[:200]}")
            page = reply.json()
            expect(0 < len(page["value"]) <= 70, f"a page of {len(page['value'])} rows")
            frames.append(pandas.json_normalize(page["value"]))
            address = page.get("@odata.nextLink")
        frame, whole = pandas.concat(frames, ignore_index=True), self.sessions()
        expect(len(frames) > 1 and len(frame) == len(whole), f"{len(frame)} rows on {len(frames)} pages, {len(whole)} at once")
        expect(set(frame["SessionKey"]) == set(whole["SessionKey"]), "other rows than at once")
        return f"{len(frame)} rows on {len(frames)} pages"

    def expanded(self):
        """Columns of an expanded row get its name before theirs."""
        rows = self.get("Sessions", params={"$top": 5, "$expand": "Machine($select=Id,Name)", "$select": "SessionKey,MachineId"})
        frame = pandas.json_normalize(rows.json()["value"])
        expect({"Machine.Id", "Machine.Name"} <= set(frame.columns), f"columns {list(frame.columns)}")
        known = frame.dropna(subset=["MachineId"])
        expect((known["MachineId"] == known["Machine.Id"]).all(), "other machines")

    def batch(self):
        """One request for several frames."""
        urls = {"users": "Users", "machines": "Machines?$select=Id,Name", "sessions": "Sessions"}
        asked = {"requests": [{"id": name, "method": "get", "url": url} for name, url in urls.items()]}
        reply = requests.post(f"{self.root}/$batch", json=asked, timeout=60)
        expect(reply.status_code == 200, f"{reply.status_code} {reply.text[:200]}")
        answers = {answer["id"]: answer for answer in reply.json()["responses"]}
        expect([answer["status"] for answer in answers.values()] == [200, 200, 200], "not all is well")
        frames = {name: pandas.json_normalize(answer["body"]["value"]) for name, answer in answers.items()}
        for name, frame in frames.items():
            expect(len(frame) == self.count(name.capitalize()), f"{len(frame)} {name}")
        joined = frames["sessions"].merge(frames["users"], left_on="UserId", right_on="Id", how="inner")
        expect(len(joined) > 0, "no session of a user")
        return ", ".join(f"{name} {len(frame)}" for name, frame in frames.items())


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    client = Client(sys.argv[1])
    report = Report("pandas")
    for what, body in {
        "a whole answer": client.whole,
        "read_json": client.read_json,
        "page by page": client.paged,
        "expanded columns": client.expanded,
        "a JSON batch": client.batch,
    }.items():
        report.check(what, body)
    report.finish()


if __name__ == "__main__":
    main()
