#!/usr/bin/env python3
"""Runs what the pages at /connect tell people to run: the Python texts with pandas, the curl line in a shell.

usage: connect.py SERVICE_ROOT
"""

import html
import json
import os
import re
import subprocess
import sys
import tempfile
from urllib.parse import urlsplit
from urllib.request import urlopen

from report import Report, expect


class Client:
    """The checks."""

    def __init__(self, root):
        parts = urlsplit(root)
        self.root = root.rstrip("/")
        self.server = f"{parts.scheme}://{parts.netloc}"

    def text(self, page, name):
        """The text to copy of that id."""
        with urlopen(f"{self.server}/connect/{page}", timeout=60) as answer:
            found = re.search(rf'<pre id="{name}"[^>]*>(.*?)</pre>', answer.read().decode(), re.DOTALL)
        expect(found, f"no text called {name} on the page {page}")
        return html.unescape(found.group(1))

    def count(self, query):
        """The yardstick."""
        with urlopen(f"{self.root}/{query}", timeout=60) as answer:
            return len(json.load(answer)["value"])

    def run(self, command):
        """What a command prints, in a folder of its own."""
        surroundings = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(command, capture_output=True, cwd=folder, env=surroundings, text=True, timeout=120)
        expect(done.returncode == 0, f"it exited {done.returncode}: {done.stderr[-400:]}")
        return done.stdout

    def filter_of(self, text):
        """The example's filter, percent-encoded."""
        found = re.search(r'"\$filter": "(\w+) ge ([\dTZ:-]+)"', text)
        expect(found, f"no filter in {text}")
        return f"$filter={found.group(1)}%20ge%20{found.group(2)}"

    def whole(self):
        """All rows of the last week, as a data frame."""
        text = self.text("python?set=Sessions", "whole")
        # pandas cuts long frames; the shape is behind them.
        shape = self.run([sys.executable, "-c", text + '\nprint("dtype", rows["StartDate"].dtype)\nprint("rows", len(rows))\n'])
        rows = self.count(f"Sessions?{self.filter_of(text)}")
        expect(rows > 0 and shape.rstrip().endswith(f"\nrows {rows}"), f"{rows} rows, but it printed {shape[-200:]}")
        expect(re.search(r"^dtype datetime64\[\w+, UTC\]$", shape, re.MULTILINE), f"no dates: {shape[-200:]}")
        return f"{rows} rows"

    def without_date(self):
        """A set without a date, whole."""
        text = self.text("python?set=Users", "whole")
        printed = self.run([sys.executable, "-c", text + '\nprint("rows", len(rows))\n'])
        rows = self.count("Users")
        expect(printed.rstrip().endswith(f"\nrows {rows}"), f"{rows} rows, but it printed {printed[-200:]}")
        return f"{rows} rows"

    def paged(self):
        """Pages that are smaller than the answer, each row once."""
        text = self.text("python?set=Sessions", "paged")
        small = text.replace("maxpagesize=5000", "maxpagesize=7")
        expect(small != text, "no page size in the text")
        printed = self.run([sys.executable, "-c", small])
        rows = self.count(f"Sessions?{self.filter_of(text)}")
        expect(rows > 7 and printed == f"{rows} rows\n", f"{rows} rows, but it printed {printed}")
        return f"{rows} rows"

    def curl(self):
        """The text for a terminal, as it is: what is for Windows is a comment to this shell."""
        printed = self.run(["sh", "-c", self.text("", "curl")])
        expect(len(json.loads(printed)["value"]) == 3, f"not three rows: {printed[:200]}")

    def connection(self):
        """The connection file leads to the service document."""
        with urlopen(f"{self.server}/connect/citrix.pbids", timeout=60) as answer:
            url = json.load(answer)["connections"][0]["details"]["address"]["url"]
        with urlopen(url, timeout=60) as answer:
            sets = json.load(answer)["value"]
        expect(any(item["name"] == "Sessions" for item in sets), f"no Sessions at {url}")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    client, report = Client(sys.argv[1]), Report("connect")
    report.check("the Python text gives a data frame with dates", client.whole)
    report.check("the Python text for a set without a date", client.without_date)
    report.check("the Python text for pages counts every row", client.paged)
    report.check("the curl line shows three rows", client.curl)
    report.check("the connection file leads to the sets", client.connection)
    report.finish()


if __name__ == "__main__":
    main()
