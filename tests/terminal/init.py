#!/usr/bin/env python3
"""`init` in a real terminal: questions, a wrong secret, the way back, Ctrl-C.

usage: tests/terminal/init.py PROGRAM

Needs Linux or macOS, and Python's own library alone.
"""

import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE = 30
SECRET = "s3cret/of the-terminal"
CODES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A program that believes to be in front of a person."""

    def __init__(self, folder, *arguments):
        self.seen = b""
        self.read_to = 0
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execve(arguments[0], arguments, surroundings(folder))

    def _more(self):
        ready, _, _ = select.select([self.terminal], [], [], 0.2)
        if not ready:
            return True
        try:
            piece = os.read(self.terminal, 65536)
        except OSError:
            piece = b""
        self.seen += piece
        return bool(piece)

    def expect(self, words):
        """Waits for these words behind those that were waited for before."""
        deadline = time.monotonic() + PATIENCE
        while True:
            plain = CODES.sub(b"", self.seen)
            found = plain.find(words.encode(), self.read_to)
            if found >= 0:
                self.read_to = found + len(words)
                return
            if time.monotonic() > deadline or not self._more():
                sys.exit(f"no {words!r} in:\n{plain.decode(errors='replace')}")

    def answer(self, words, line):
        self.expect(words)
        # The question is there before the terminal is set up for its answer.
        time.sleep(0.2)
        os.write(self.terminal, line.encode() + b"\r")

    def press(self, words, key):
        self.expect(words)
        time.sleep(0.2)
        os.write(self.terminal, key)

    def ended(self):
        """The exit code, negative for a signal."""
        deadline = time.monotonic() + PATIENCE
        while self._more() and time.monotonic() < deadline:
            done, status = os.waitpid(self.process, os.WNOHANG)
            if done:
                while self._more() and select.select([self.terminal], [], [], 0.2)[0]:
                    pass
                return os.waitstatus_to_exitcode(status)
        _, status = os.waitpid(self.process, 0)
        return os.waitstatus_to_exitcode(status)


def surroundings(folder):
    kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    return kept | {
        "HOME": str(folder),
        "TERM": "xterm",
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/no-bus",
    }


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def guided(program, folder, endpoint):
    terminal = Terminal(folder, program, "init", "--endpoint", endpoint, "--secret-store", "file")
    terminal.expect("Identity and Access Management > API Access")
    terminal.answer("Customer id:", "nord hafen")
    terminal.expect("an id has letters, digits")
    terminal.answer("Customer id:", "nordhafen")
    terminal.answer("Region of the account (us, eu, ap-s, jp) [us]:", "")
    terminal.answer("Client id:", "demo-client")
    terminal.answer("Client secret (not shown):", "wr0ng-secret")
    terminal.answer("Port on this machine that reports use [8484]:", "9484")
    terminal.answer("Settings file [", str(folder / "proxy.toml"))
    terminal.expect("main: failed  token")
    terminal.answer("What next (secret, client, customer, again, write, stop) [secret]:", "")
    terminal.answer("Client secret (not shown):", SECRET)
    terminal.expect("main: ok      one row")
    terminal.expect("http://localhost:9484/connect")
    code = terminal.ended()
    assert code == 0, code
    text = terminal.seen.decode()
    assert SECRET not in text and "wr0ng-secret" not in text, text
    assert files(folder) == ["main.client_secret", "proxy.toml"], files(folder)
    assert (folder / "main.client_secret").read_text() == SECRET + "\n"
    check = [program, "check", "--config", "proxy.toml"]
    subprocess.run(check, cwd=folder, env=surroundings(folder), check=True, stdout=subprocess.DEVNULL)


def stopped(program, folder, endpoint):
    arguments = ["--customer-id", "nordhafen", "--client-id", "demo-client", "--region", "us"]
    for at in ("secret", "port", "next"):
        terminal = Terminal(folder, program, "init", "--endpoint", endpoint, *arguments)
        if at == "secret":
            terminal.press("Client secret (not shown):", b"\x03")
        else:
            terminal.answer("Client secret (not shown):", "wr0ng-secret")
            terminal.answer("Where to keep the secret (file, environment) [file]:", "f")
            if at == "port":
                terminal.press("Port on this machine", b"\x03")
            else:
                terminal.answer("Port on this machine", "")
                terminal.answer("Settings file [", str(folder / "never" / "proxy.toml"))
                terminal.press("What next", b"\x03")
        code = terminal.ended()
        assert code in (-signal.SIGINT, 1, 130), code
        assert files(folder) == [], (at, files(folder))
        assert "wr0ng-secret" not in terminal.seen.decode()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    program = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as base:
        base = pathlib.Path(base)
        port = base / "port"
        simulate = [program, "simulate", "--listen", "127.0.0.1:0", "--port-file", str(port)]
        simulate += ["--client-secret", SECRET, "--sessions", "20"]
        simulator = subprocess.Popen(simulate, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + PATIENCE
            while not (port.exists() and port.read_text()) and time.monotonic() < deadline:
                time.sleep(0.05)
            endpoint = f"http://127.0.0.1:{port.read_text()}"
            for test in (guided, stopped):
                folder = base / test.__name__
                folder.mkdir()
                test(program, folder, endpoint)
                print(f"{test.__name__}: ok", flush=True)
        finally:
            simulator.kill()
            simulator.wait()


main()
