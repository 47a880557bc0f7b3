"""Types a text and a tab at psql in a terminal of its own; fails unless psql completes it as expected.

    python3 tab.py TEXT EXPECTED
"""

import os
import pty
import select
import sys
import time

text, expected = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.environ["TERM"] = "dumb"
    os.execvp("psql", ["psql", "-X", "-q"])
seen = b""


def read_until(wanted, seconds):
    """Reads what psql says until it has said `wanted`."""
    global seen
    end = time.monotonic() + seconds
    while wanted not in seen.replace(b"\r", b"").replace(b"\a", b"") and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                seen += os.read(terminal, 4096)
            except OSError:
                break
    return wanted in seen.replace(b"\r", b"").replace(b"\a", b"")


read_until(b"=# ", 20)
seen = b""
os.write(terminal, text.encode() + b"\t")
found = read_until(expected.encode(), 10)
os.write(terminal, b"\x15\\q\n")
os.waitpid(pid, 0) if read_until(b"\\q", 5) else os.kill(pid, 9)
if not found:
    sys.exit(f"psql made {seen.decode(errors='replace')!r} of it")
