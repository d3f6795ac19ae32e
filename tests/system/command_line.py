# SPDX-License-Identifier: BSD-2-Clause
"""The program `socle` as its tests call it: with its own configuration, and in a terminal."""

import json
import os
import pty
import re
import select
import subprocess
import time

from backend import BUILD

CLI = f"{BUILD}/socle-cli/socle"
DONE, REFUSED, MISUSED, NOT_REACHED = range(4)  # its exit statuses


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, command, env, patience=1):
        self.text, self.patience = "", patience
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(command[0], command, env)

    def wait(self, pattern, timeout=90):
        deadline = time.monotonic() + timeout * self.patience
        while not re.search(pattern, self.text):
            left = deadline - time.monotonic()
            assert left > 0, f"{pattern!r} did not appear: {self.text[-2000:]}"
            if select.select([self.fd], [], [], left)[0]:
                try:
                    data = os.read(self.fd, 65536)
                except OSError:
                    data = b""
                self.text += data.decode(errors="replace")
                assert data or re.search(pattern, self.text), f"it ended before {pattern!r}: {self.text[-2000:]}"
        return self

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """Reads on to the end; returns the exit status."""
        try:
            while os.read(self.fd, 65536):
                pass
        except OSError:
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Client:
    def __init__(self, folder, patience=1):
        self.env = {"PATH": os.environ["PATH"], "XDG_CONFIG_HOME": str(folder), "TERM": "xterm"}
        self.file, self.patience = folder / "socle" / "hosts.json", patience

    def run(self, *args, want=DONE, lines="", **env):
        """lines: its standard input."""
        done = subprocess.run([CLI, *args], env={**self.env, **env}, input=lines, capture_output=True, text=True,
                              timeout=240 * self.patience)
        assert done.returncode == want, (args, done)
        return done

    def out(self, *args, **env):
        return self.run(*args, **env).stdout

    def json(self, *args):
        return json.loads(self.out("--json", *args))

    def error(self, *args, want=REFUSED, **env):
        done = self.run(*args, want=want, **env)
        assert done.stderr.startswith("socle: ") and len(done.stderr) > 20, done
        return done.stderr

    def terminal(self, *args):
        return Terminal([CLI, *args], self.env, self.patience)
