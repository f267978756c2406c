"""One line for each check: `ok   CLIENT: what`, or `FAIL CLIENT: what: why`. `tests/clients/run` counts them."""

import sys
import traceback


class Failed(Exception):
    """What a check found to be wrong."""


def expect(condition, why):
    """Ends the check with `why` unless the condition holds."""
    if not condition:
        raise Failed(why)


class Report:
    """Runs checks one after another; a failed one doesn't keep the next from running."""

    def __init__(self, client):
        self.client = client
        self.failures = 0

    def check(self, what, body):
        """Runs one check. What it returns is shown behind its name."""
        try:
            note = body()
        except Failed as failure:
            self._fail(what, str(failure))
        except Exception as error:  # A client library may raise anything.
            where = traceback.extract_tb(error.__traceback__)[-1]
            self._fail(what, f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})")
        else:
            print(f"ok   {self.client}: {what}" + (f" ({note})" if note else ""), flush=True)

    def _fail(self, what, why):
        self.failures += 1
        why = "".join(letter if letter.isprintable() else "?" for letter in " ".join(why.split()))
        print(f"FAIL {self.client}: {what}: {why[:600]}", flush=True)

    def finish(self):
        """Ends the program with the status that `tests/clients/run` reads."""
        sys.exit(1 if self.failures else 0)
