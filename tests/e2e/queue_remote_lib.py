"""What queue_remote.py adds to queue_lib.py: a resolver made of a table and a
remote that does what the test tells it."""

import os
import socket
import threading
import time

from harness import Acceptor, unix_listener
from queue_lib import Case, Packets, World, xdecode, xencode


class Server(Packets):
    """Accepts; self.serve(conn) in a thread each."""

    def __init__(self, world, path):
        self.world = world
        self.acceptor = Acceptor(unix_listener(path), self.serve)

    def close(self):
        """As if it were killed, with all its children."""
        self.acceptor.close(cut=True)


class Resolver(Server):
    def serve(self, conn):
        while True:
            packet = conn.recv(65536)
            if not packet:
                return
            verb, number, f = self.fields(packet)
            name = xdecode(f["name"])
            self.world.asked.append((verb, name))
            answer = self.world.route(verb, name)
            if answer is None:
                continue                # a resolver that says nothing
            status, more = answer
            hosts = more if status == "ok" else []
            code, text = ("", "") if status == "ok" else more
            lines = ["merpati 1 hosts %s" % number, "status " + status,
                     "code " + code, "text " + xencode(text),
                     "ttl %d" % self.world.ttl]
            for i, h in enumerate(hosts):
                # A name, or a name and its preference.
                h, preference = h if isinstance(h, tuple) else (h, 10 * i)
                lines += ["host " + h, "preference %d" % preference, "secure 0",
                          "addr 192.0.2.%d" % (i + 1)]
                lines += ["dane tlsa", "tlsa 3 1 1 " + "ab" * 32] if \
                    name in self.world.dane else ["dane none"]
            conn.sendall(("\n".join(lines) + "\n").encode())


class Remote(Server):
    def parse(self, packet):
        """The fields of a job, and its recipients."""
        lines = packet.decode("utf-8", "surrogateescape").split("\n")
        job, rcpts = {}, []
        for line in lines[1:-1]:
            key, value = line.split(" ", 1)
            if key == "rcpt":
                rcpts.append({"number": int(value)})
            elif rcpts:
                rcpts[-1][key] = xdecode(value)
            else:
                job[key] = xdecode(value)
        job["rcpts"] = rcpts
        return lines[0].split(" ")[3], job

    def serve(self, conn):
        w = self.world
        packet = conn.recv(65536)
        if not packet:
            return
        lines = packet.decode().split("\n")
        opened = dict(x.split(" ", 1) for x in lines[1:-1])
        opened["hosts"] = [xdecode(x[5:]) for x in lines
                           if x.startswith("host ")]
        host = (opened["hosts"] or [xdecode(opened["path"])])[0]
        with w.lock:
            w.opened.append(opened)
            w.open_now[host] = w.open_now.get(host, 0) + 1
            w.open_most[host] = max(w.open_most.get(host, 0),
                                    w.open_now[host])
            w.open_all = max(w.open_all, sum(w.open_now.values()))
        try:
            self.jobs(conn, host)
        finally:
            with w.lock:
                w.open_now[host] -= 1

    def busy(self, host, change):
        """Connections with a job, exactly: it ends before its answer, while
        one that queue-runner has closed may be seen here a little later."""
        w = self.world
        with w.lock:
            now = w.busy_now.get(host, 0) + change
            w.busy_now[host] = now
            w.busy_most[host] = max(w.busy_most.get(host, 0), now)
            w.busy_all = max(w.busy_all, sum(w.busy_now.values()))

    def jobs(self, conn, host):
        w = self.world
        while True:
            packet, fds, _, _ = socket.recv_fds(conn, 65536, 4)
            if not packet:
                return
            number, job = self.parse(packet)
            job["host"] = host
            job["at"] = time.time()
            job["content"] = os.pread(fds[0], int(job["len"]),
                                      int(job["offset"]))
            for fd in fds:
                os.close(fd)
            self.busy(host, 1)
            try:
                answer = w.remote_verdict(job)
            finally:
                self.busy(host, -1)
            with w.lock:
                w.remote_jobs.append(job)
            if answer == "die":
                return
            if answer == "hang":
                w.hanging.wait(120)
                return
            if not isinstance(answer, dict):
                answer = {"all": answer}
            conn.sendall(self.result(number, job, host, answer).encode())

    def result(self, number, job, host, answer):
        w = self.world
        lines = ["merpati 1 result " + number, "id " + job["id"],
                 "kept %d" % answer.get("kept", 1),
                 "destination-failed %d" % answer.get("failed", 0),
                 "dsn %d" % answer.get("dsn", 0), "host " + xencode(host),
                 "addr 192.0.2.1", "tls "]
        for r in job["rcpts"]:
            verdict, code, text, said = answer.get(r["address"]) or \
                answer["all"]
            lines += ["verdict " + verdict, "code " + code,
                      "said %d" % said, "text " + xencode(text),
                      "rcpt %d" % r["number"]]
            if verdict == "ok":
                with w.lock:
                    w.relayed.append((job["id"], r["address"]))
        return "\n".join(lines) + "\n"


FAR_OK = ("ok", "2.0.0", "250 2.0.0 Ok: queued as 4711", 1)
FAR_TEMP = ("temp", "4.7.1", "450 4.7.1 greylisted", 1)
FAR_PERM = ("perm", "5.1.1", "550 5.1.1 no such user", 1)
DOWN = {"failed": 1, "kept": 0, "all": (
    "temp", "4.4.1", "192.0.2.1 refuses the connection", 0)}


class Far(World):
    """A World with a resolver and a remote."""

    def __init__(self, resolver=True, remote=True, **keys):
        start = keys.pop("start", True)
        # MX of a domain, unless named here: mx.DOMAIN.
        self.routes, self.ttl, self.asked = {}, 60, []
        self.dane = set()               # domains with a signed zone
        self.lock = threading.Lock()
        self.hanging = threading.Event()
        self.opened, self.open_now, self.open_most = [], {}, {}
        self.open_all = self.busy_all = 0
        self.busy_now, self.busy_most = {}, {}
        self.remote_jobs, self.relayed = [], []
        self.remote_verdict = lambda job: FAR_OK
        self.resolver = self.remote = None
        super().__init__(start=False, **keys)
        for d in ("resolver", "remote"):
            os.makedirs(os.path.join(self.run, d))
        self.own()
        if resolver:
            self.resolver_start()
        if remote:
            self.remote_start()
        if start:
            self.start()

    def route(self, verb, name):
        name = name.partition(":")[0]
        if name in self.routes:
            return self.routes[name]
        return ("ok", [name if verb == "addresses" else "mx." + name])

    def resolver_start(self):
        self.resolver = Resolver(self, os.path.join(
            self.run, "resolver", "resolver.sock"))

    def resolver_stop(self):
        self.resolver.close()

    def remote_start(self):
        self.remote = Remote(self, os.path.join(
            self.run, "remote", "remote.sock"))

    def remote_stop(self):
        self.remote.close()

    def arrived(self):
        with self.lock:
            return list(self.relayed)

    def jobs_of(self, ident):
        with self.lock:
            return [j for j in self.remote_jobs if j["id"] == ident]


class FarCase(Case):
    world_class = Far
    world_keys = {"queue": "retry = 1s\nwarn-after = 1h\nexpire = 2h"}
