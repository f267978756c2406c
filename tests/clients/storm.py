#!/usr/bin/env python3
"""A refresh of twenty tables at once, as Power Query does it, while another tool of the customer is in the way.

usage: storm.py --simulator URL --page-size N SERVICE_ROOT

Needs nothing but Python. SERVICE_ROOT is a proxy that has answered nothing yet and keeps what it answers, URL the
simulator behind it with pages of N rows, one lane and a stranger.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import datetime
import json
import math
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from power_query import PowerQuery, Service, instant, query
from report import Report, expect

# The tables of a large report, and the date by which each is walked when it is long. At the size that `run` chooses
# the first three are; the fourth is as long, and has no such date.
TABLES = {
    "Sessions": "StartDate",
    "Connections": "CreatedDate",
    "FailureLogSummaries": "SummaryDate",
    "LogOnMetrics": None,
    "TaskLogs": "RunDate",
    "Users": None,
    "ApplicationInstances": "StartDate",
    "Applications": None,
    "Catalogs": None,
    "ConnectionFailureLogs": "FailureDate",
    "DesktopGroups": None,
    "Hotfixes": None,
    "Hypervisors": None,
    "MachineFailureLogs": "CreatedDate",
    "MachineHotfixLogs": None,
    "Machines": None,
    "ProbeLogs": "ProbeStartTime",
    "ProbeResults": None,
    "SessionAutoReconnects": "EventTimestamp",
    "SpaSessions": "StartTime",
}
# Rows of a preview in the editor.
PREVIEW = 1000
# From so many pages on, the proxy walks a table by date.
LONG_PAGES = 10
# A range goes on by links when more than one row in so many would come twice by a new one.
OVERLAP_SHARE = 10
# Ranges overlap by so much, because dates may be shown rounded.
OVERLAP = datetime.timedelta(seconds=1)
# Rows of a full page, by the two editions of Citrix's documentation.
FULL_PAGES = (100, 1000)
# The simulator's log holds no more requests than this.
LOG_MAX = 1000

Refresh = collections.namedtuple("Refresh", "probe preview step load")


class Patient(Service):
    """Twenty tables in one lane, with a pause for each refusal: some answers wait longer than usual for their turn."""

    PATIENCE = 150


class Simulator:
    """Citrix Cloud as it is without a proxy."""

    def __init__(self, url):
        self.url = url.rstrip("/")
        form = {"grant_type": "client_credentials", "client_id": "demo-client", "client_secret": "demo-secret"}
        token = self.json(f"{self.url}/cctrustoauth2/root/tokens/clients", urllib.parse.urlencode(form).encode())["access_token"]
        self.headers = {"Authorization": f"CwsAuth Bearer={token}", "Citrix-CustomerId": "nordhafen", "User-Agent": "storm"}

    def json(self, url, body=None, headers={}):
        """One document. A refusal because of the stranger is no answer."""
        while True:
            try:
                with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as response:
                    return json.load(response)
            except urllib.error.HTTPError as error:
                if error.code != 429:
                    raise
                time.sleep(0.02)

    def stats(self):
        return self.json(f"{self.url}/simulator/stats")

    def rows(self, name):
        """All rows of a set, page by page as the links lead."""
        rows, url = [], f"{self.url}/monitorodata/{name}"
        while url:
            page = self.json(url, headers=self.headers)
            rows += page["value"]
            url = page.get("@odata.nextLink")
            # The simulator's links bear the name under which it was called.
            expect(url is None or url.startswith(self.url), f"a link to {url}")
        return rows


class Storm:
    """The checks, in their order: what the first one loads, the others look at."""

    def __init__(self, root, simulator, page_size):
        self.service = Patient(root)
        self.client = PowerQuery([self.service], page_size)
        self.simulator = Simulator(simulator)
        self.page_size = page_size
        self.before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=30)
        self.loads = None
        self.stats = None
        self._truth = {}

    def truth(self, name):
        """The rows that there are."""
        if name not in self._truth:
            self._truth[name] = self.simulator.rows(name)
        return self._truth[name]

    def column(self, name):
        """A date to filter by; where there is none, a part of the key."""
        dates = [column for column, kind in self.client.model.columns(name).items() if kind == "Edm.DateTimeOffset"]
        return (dates or self.client.model.key(name))[0], bool(dates)

    def step(self, name):
        """The question of a step that was applied in the editor: some columns, some rows."""
        column, dated = self.column(name)
        condition = f"{column} ge {self.before:%Y-%m-%dT%H:%M:%SZ}" if dated else f"{column} ne null"
        return query(select=",".join(self.client.model.key(name)), filter=condition, top=PREVIEW)

    def passes(self, name, row):
        """Whether the step keeps a row."""
        column, dated = self.column(name)
        return row[column] is not None and (not dated or instant(row[column]) >= self.before.replace(microsecond=0))

    # The refresh.

    def table(self, name, barrier):
        """One table: what the evaluation needs to know first, and then everything else at once."""
        barrier.wait()
        with contextlib.closing(self.service.connect()) as connection:
            listed = self.service.payload("", connection=connection)[1]["value"]
            expect(name in [item["name"] for item in listed], f"{name} is not in the service document")
            reply = self.service.get("/$metadata", connection=connection)
            expect(reply.status == 200, f"{reply.request}: {reply.status}")
            probe = self.client.collection(name, query(top=0), connection=connection)[0]
        questions = (query(top=PREVIEW), self.step(name), "")
        with concurrent.futures.ThreadPoolExecutor(len(questions)) as pool:
            parts = pool.map(lambda options: self.client.collection(name, options)[0], questions)
            return Refresh(probe, *parts)

    def refresh(self):
        """All tables at once."""
        barrier = threading.Barrier(len(TABLES), timeout=60)
        with concurrent.futures.ThreadPoolExecutor(len(TABLES)) as pool:
            return dict(zip(TABLES, pool.map(lambda name: self.table(name, barrier), TABLES)))

    def storm(self):
        """No status but 200, no body that is cut, whatever happens on the lane."""
        self.client.model  # Fetched before the threads begin.
        loads = self.refresh()
        self.loads, self.stats = loads, self.simulator.stats()
        return f"{len(loads)} tables, {sum(len(part.load) for part in loads.values())} rows"

    # What became of it.

    def lane(self):
        """Twenty tables in one lane."""
        expect(self.stats["peak_in_flight"] == 1, f"{self.stats['peak_in_flight']} queries at a time")

    def stranger(self):
        """The lane was really taken by somebody else."""
        visits, throttled = self.stats["stranger_visits"], self.stats["throttled"]
        expect(visits > 0 and throttled > 0, f"{visits} visits, {throttled} refusals")
        return f"{throttled} refusals"

    def complete(self):
        """Each row that there is, once, in the load; its beginning in the previews."""
        for name, part in self.loads.items():
            truth = self.truth(name)
            keys = self.client.keys(name, truth)
            found = self.client.keys(name, part.load)
            expect(found == keys, f"{name}: {len(found - keys)} rows too many, {len(keys - found)} missing")
            expect(part.probe == [], f"{name}: {len(part.probe)} rows in the probe")
            kept = sum(self.passes(name, row) for row in truth)
            for what, rows, number in (("preview", part.preview, len(truth)), ("step", part.step, kept)):
                expect(len(rows) == min(PREVIEW, number), f"{name}: {len(rows)} rows in the {what}, {number} are there")
                expect(self.client.keys(name, rows) <= keys, f"{name}: the {what} has other rows")
            by_key = {tuple(row[key] for key in self.client.model.key(name)): row for row in truth}
            other = [row for row in part.load if row != by_key[tuple(row[key] for key in self.client.model.key(name))]]
            expect(not other, f"{name}: {len(other)} rows are not as upstream wrote them")

    def pages(self, rows):
        """Pages for so many rows; one page tells that there are none."""
        return max(1, math.ceil(rows / self.page_size))

    def top_pages(self, rows):
        """Pages for a preview, of a question that finds so many rows.

        One page that is full by Citrix's documentation, though more rows were asked for, is looked behind: that it would
        bear a link if it were cut is not known.
        """
        rows = min(PREVIEW, rows)
        return self.pages(rows) + (rows in FULL_PAGES and rows < PREVIEW and rows <= self.page_size)

    def scan_pages(self, name):
        """The most pages that a load may take.

        By links: one for each page of rows. By date, where the table is long and has one:
          1       the plain first page, which shows that the table is long; the walk by date brings its rows again
        + 1       the first page of that walk
        + r / n   for the r rows with a date behind it. Each further page brings the rows of the second before the last
                  row's date again: no more than there are in any second, and no more than a tenth of a page, because a
                  range that would repeat more goes on by links. The rest of it, n rows, is new.
        + u       the pages of the rows without a date, where the column may be empty: one even if there are none.
        """
        rows, column = self.truth(name), TABLES[name]
        if column is None or len(rows) < LONG_PAGES * self.page_size:
            return self.pages(len(rows))
        dates = sorted(instant(row[column]) for row in rows if row[column])
        again, first = 0, 0
        for place, date in enumerate(dates):
            while dates[first] < date - OVERLAP:
                first += 1
            again = max(again, place + 1 - first)
        new = self.page_size - min(again, self.page_size // OVERLAP_SHARE)
        behind = max(0, len(dates) - self.page_size)
        undated = self.pages(len(rows) - len(dates)) if self.client.model.nullable(name, column) else 0
        return 2 + math.ceil(behind / new) + undated

    def frugal(self):
        """No page is asked for that was there already, though sixty clients ask for twenty tables."""
        log = self.stats["log"]
        expect(len(log) < LOG_MAX, "the log is too short for this check")
        root = "/monitorodata"
        answered = [entry["path"].removeprefix(root) for entry in log if entry["status"] == 200 and entry["path"].startswith(root)]
        twice = [path for path, times in collections.Counter(answered).items() if times > 1]
        expect(not twice, f"asked more than once: {twice[:3]}")
        asked = collections.Counter(path.partition("?")[0].strip("/") for path in answered)
        expect(set(asked) <= {"", "$metadata", *TABLES}, f"asked for {set(asked) - set(TABLES)}")
        expect(asked[""] == asked["$metadata"] == 1, f"the documents: {asked['']} and {asked['$metadata']} times")
        needed, by_date = 2, []
        for name in TABLES:
            rows = self.truth(name)
            kept = sum(self.passes(name, row) for row in rows)
            scan = self.scan_pages(name)
            most = 1 + self.top_pages(len(rows)) + self.top_pages(kept) + scan
            expect(asked[name] <= most, f"{name}: {asked[name]} pages where {most} are needed")
            needed += most
            if any(path.startswith(f"/{name}?") and "%20ge%20" in path and "$top" not in path for path in answered):
                by_date.append(name)
        expect(len(by_date) >= 3, f"walked by date: {by_date}")
        return f"{len(answered)} of {needed} pages, by date {', '.join(by_date)}"

    def again(self):
        """All of it is fresh, and upstream hears nothing."""
        before = self.simulator.stats()["data_requests"]
        loads = self.refresh()
        after = self.simulator.stats()["data_requests"]
        expect(after == before, f"{after - before} requests for what is fresh")
        for name, part in loads.items():
            expect(part == self.loads[name], f"{name}: other rows")


def main():
    parser = argparse.ArgumentParser(description="Plays a refresh of twenty tables at once against a proxy.")
    parser.add_argument("--simulator", required=True, metavar="URL", help="the simulator behind the proxy")
    parser.add_argument("--page-size", type=int, required=True, metavar="N", help="rows on a page of the simulator")
    parser.add_argument("root", help="for example http://127.0.0.1:8484/monitorodata")
    arguments = parser.parse_args()
    storm = Storm(arguments.root, arguments.simulator, arguments.page_size)
    report = Report("storm")
    for what, body in {
        "twenty tables at once": storm.storm,
        "one query at a time": storm.lane,
        "another tool on the lane": storm.stranger,
        "every table is complete": storm.complete,
        "nothing is asked twice": storm.frugal,
        "a second refresh asks nothing": storm.again,
    }.items():
        report.check(what, body)
    report.finish()


if __name__ == "__main__":
    main()
