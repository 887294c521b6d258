"""The compiled ends of benchmarks and kill tests: source and sink of
tests/bench, on hosts of a net."""

import os
import struct
import subprocess

from instance import TOP, wait_for


def compile_tool(name, directory):
    out = "%s/%s" % (directory, name)
    if not os.path.exists(out):
        subprocess.run(["cc", "-std=c11", "-O2", "-o", out, "%s/tests/bench/%s.c" % (TOP, name)], check=True)
    return out


class Sink:
    """sink on a host, at the addresses; tokens=True notes each letter's X-Token."""

    def __init__(self, host, directory, addresses, tokens=False):
        self.file, self.notes = directory + "/sink.counts", directory + "/sink.tokens"
        argv = [compile_tool("sink", directory)] + (["-t", self.notes] if tokens else [])
        self.process = host.popen(argv + [self.file, *addresses], stdin=subprocess.DEVNULL)

        def listens():
            if self.process.poll() is not None:
                raise RuntimeError("sink left")
            r = host.run(["ss", "-Hltn", "sport", "=", ":25"], capture_output=True, text=True)
            return len(r.stdout.splitlines()) >= len(addresses)
        wait_for(listens, 20)

    def counts(self):
        """Letters, recipients, connections."""
        with open(self.file, "rb") as f:
            return struct.unpack("3Q", f.read(24))

    def tokens(self):
        with open(self.notes) as f:
            return f.read().split("\n")[:-1]

    def close(self):
        self.process.kill()
        self.process.wait()


def source(host, directory, port, sessions, letters, size, domains, suffix, address="127.0.0.1"):
    """Started; every letter was acknowledged when it ends with 0."""
    return host.popen([compile_tool("source", directory), address, str(port), str(sessions), str(letters),
                       str(size), str(domains), suffix])
