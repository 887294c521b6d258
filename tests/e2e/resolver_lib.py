"""What the tests of resolver share: the program with a configuration of its
own, a client of its socket, nsd with signed zones on a loopback port, and a
name server that does what it should not."""

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

import harness
from harness import NOBODY, PATIENCE, ROOT, as_user, free_port, out, start_ready, until, xdecode, xencode

RESOLVER = out("resolver")
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "DNSKEY": 48, "TLSA": 52}


class Answer:
    """A packet; hosts are dicts with lists addr and tlsa."""

    def __init__(self, packet):
        lines = packet.decode().splitlines()
        _, _, self.verb, self.id = lines[0].split(" ")
        self.fields, self.hosts, self.texts = {}, [], []
        for line in lines[1:]:
            key, _, value = line.partition(" ")
            if key == "host":
                self.hosts.append({"host": value, "addr": [], "tlsa": []})
            elif key == "text" and self.verb == "texts":
                self.texts.append(xdecode(value))
            elif self.hosts and key in ("addr", "tlsa"):
                self.hosts[-1][key].append(value)
            elif self.hosts:
                self.hosts[-1][key] = value
            else:
                self.fields[key] = value
        self.status = self.fields["status"]
        self.code = self.fields.get("code", "")
        self.ttl = int(self.fields["ttl"])
        self.text = xdecode(self.fields.get("text", "")).decode()
        self.names = [h["host"] for h in self.hosts]

    def __repr__(self):
        return "%s %s %s %s %s" % (self.status, self.code, self.text, self.hosts, self.texts)


class Client:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(path)
        self.last = 0

    def send(self, verb, name):
        self.last += 1
        self.sock.send(b"merpati 1 %s %d\nname %s\n" % (verb.encode(), self.last, xencode(name).encode()))
        return self.last

    def receive(self):
        packet = self.sock.recv(65536)
        if not packet:
            raise EOFError("resolver hung up")
        return Answer(packet)

    def ask(self, verb, name):
        number = self.send(verb, name)
        answer = self.receive()
        assert int(answer.id) == number
        return answer

    def close(self):
        self.sock.close()


class Resolver:
    """sections: text of merpati.conf's resolver section, and what else."""

    def __init__(self, resolver="", more="", hostname="mail.example.test", level="debug"):
        self.dir = tempfile.mkdtemp(prefix="mpres")
        os.chmod(self.dir, 0o755)
        os.makedirs(self.dir + "/run/resolver")
        if ROOT:
            os.chown(self.dir + "/run/resolver", NOBODY, NOBODY)
        self.conf = self.dir + "/merpati.conf"
        with open(self.conf, "w") as f:
            f.write('hostname = "%s"\npostmaster = "root@example.test"\nlog-level = "%s"\n'
                    'run-dir = "%s/run"\nresolver {\n%s\n}\n%s\n' % (hostname, level, self.dir, resolver, more))
        self.path = self.dir + "/run/resolver/resolver.sock"
        self.logfile = self.dir + "/log"
        self.process = None

    def start(self):
        self.process, ready = start_ready([RESOLVER, "-c", self.conf], self.logfile, **as_user())
        if not ready:
            raise AssertionError("resolver left: " + self.log())
        return self

    def log(self):
        try:
            with open(self.logfile) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def client(self):
        return Client(self.path)

    def ask(self, verb, name):
        c = self.client()
        try:
            return c.ask(verb, name)
        finally:
            c.close()

    def memory(self):
        with open("/proc/%d/status" % self.process.pid) as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) * 1024

    def stop(self, sig=signal.SIGTERM):
        """The exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(sig)
        code = self.process.wait(PATIENCE)
        self.process = None
        return code

    def close(self):
        code = self.stop()
        log = self.log()
        shutil.rmtree(self.dir, True)
        if code or "AddressSanitizer" in log or "runtime error" in log:
            raise AssertionError("resolver ended with %s\n%s" % (code, log[-8000:]))


NSD_CONF = """\
server:
  ip-address: 127.0.0.1@{port}
  server-count: 1
  username: ""
  zonesdir: "{d}"
  database: ""
  pidfile: "{d}/nsd.pid"
  xfrdfile: "{d}/xfrd.state"
  zonelistfile: "{d}/zone.list"
  logfile: "{d}/nsd.log"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
"""


class Nsd:
    """Zones on one loopback port; what is signed has an anchor of its own."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="mpnsd")
        self.port = free_port()
        self.server = '"127.0.0.1:%d"' % self.port
        self.zones = {}
        self.keys = {}
        self.process = None
        self.serial = 0

    def zone(self, origin, records, signed=False, falsify=None):
        """falsify: (pattern, replacement) applied once signed."""
        self.zones[origin] = (records, signed, falsify)

    def anchor(self, origin):
        return "%s/%s.key" % (self.dir, self.keys[origin])

    def write(self, origin):
        records, signed, falsify = self.zones[origin]
        self.serial += 1
        path = "%s/%s.zone" % (self.dir, origin)
        text = ("$ORIGIN %s.\n$TTL 60\n@ SOA ns hostmaster %d 3600 900 604800 2\n@ NS ns\nns A 127.0.0.1\n%s\n"
                % (origin, self.serial, records))
        with open(path, "w") as f:
            f.write(text)
        if not signed:
            return
        if origin not in self.keys:
            self.keys[origin] = subprocess.run(["ldns-keygen", "-k", "-a", "ECDSAP256SHA256", origin], cwd=self.dir,
                                               check=True, capture_output=True, text=True).stdout.strip()
        now = int(time.time())
        subprocess.run(["ldns-signzone", "-i", str(now - 3600), "-e", str(now + 86400), "-o", origin, "-f",
                        path + ".signed", path, self.keys[origin]], cwd=self.dir, check=True, capture_output=True)
        with open(path + ".signed") as f:
            text = f.read()
        if falsify:
            text, n = re.subn(falsify[0], falsify[1], text)
            assert n, "nothing to falsify"
        with open(path + ".new", "w") as f:
            f.write(text)
        os.rename(path + ".new", path)

    def start(self):
        conf = NSD_CONF.format(port=self.port, d=self.dir)
        for origin in self.zones:
            self.write(origin)
            conf += 'zone:\n  name: "%s"\n  zonefile: "%s.zone"\n' % (origin, origin)
        with open(self.dir + "/nsd.conf", "w") as f:
            f.write(conf)
        os.chmod(self.dir, 0o755)
        with open(self.dir + "/nsd.out", "ab") as out:
            env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
            self.process = subprocess.Popen(["nsd", "-d", "-c", self.dir + "/nsd.conf"], stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=out, env=env)
        until(lambda: self.serves(next(iter(self.zones))), what="nsd")
        return self

    def change(self, origin, records, signed=False, falsify=None):
        self.zones[origin] = (records, signed, falsify)
        self.write(origin)
        self.process.send_signal(signal.SIGHUP)
        want = self.serial
        until(lambda: self.serial_of(origin) == want, what="nsd's reload")

    def query(self, name, kind):
        q = b"\x12\x34\0\0\0\1\0\0\0\0\0\0" + wire_name(name) + struct.pack(">HH", TYPES[kind], 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.5)
            try:
                s.sendto(q, ("127.0.0.1", self.port))
                return s.recv(4096)
            except OSError:
                return None

    def serves(self, origin):
        if self.process.poll() is not None:
            with open(self.dir + "/nsd.out") as f, open(self.dir + "/nsd.log") as g:
                raise AssertionError("nsd left: " + f.read() + g.read())
        a = self.query(origin, "SOA")
        return a is not None and a[3] & 15 == 0

    def serial_of(self, origin):
        a = self.query(origin, "SOA")
        m = a and re.search(re.escape(struct.pack(">IIII", 3600, 900, 604800, 2)), a)
        return int.from_bytes(a[m.start() - 4:m.start()], "big") if m else -1

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.dir, True)


def wire_name(name):
    out = b""
    for label in name.rstrip(".").split("."):
        if label:
            out += bytes([len(label)]) + label.encode()
    return out + b"\0"


def rr(name, kind, data, ttl=60):
    """A record in wire form; name may be octets already."""
    if isinstance(name, str):
        name = wire_name(name)
    return name + struct.pack(">HHIH", TYPES[kind], 1, ttl, len(data)) + data


def mx(preference, name):
    return struct.pack(">H", preference) + wire_name(name)


def a(addr):
    return socket.inet_aton(addr)


class Question:
    def __init__(self, packet):
        self.id = packet[:2]
        labels, at = [], 12
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1").lower())
            at += 1 + packet[at]
        self.name = ".".join(labels)
        self.type = {v: k for k, v in TYPES.items()}.get(struct.unpack(">H", packet[at + 1:at + 3])[0], "?")
        self.section = packet[12:at + 5]

    def answer(self, *records, rcode=0, flags=0x8580, id=None, section=None):
        return ((self.id if id is None else id) + struct.pack(">HHHHH", flags | rcode, 1, len(records), 0, 0) +
                (self.section if section is None else section) + b"".join(records))


class FakeDns:
    """rule(question, tcp) returns octets to send, a list of them, or None."""

    def __init__(self, rule):
        self.rule = rule
        self.port = free_port()
        self.server = '"127.0.0.1:%d"' % self.port
        self.asked = []
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.udp.bind(("127.0.0.1", self.port))
        self.tcp = socket.socket()
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind(("127.0.0.1", self.port))
        self.tcp.listen(64)
        self.closing = False
        self.acceptor = harness.Acceptor(self.tcp, self.serve_tcp)
        self.thread = threading.Thread(target=self.serve_udp, daemon=True)
        self.thread.start()

    def replies(self, packet, tcp):
        q = Question(packet)
        self.asked.append((q.name, q.type))
        out = self.rule(q, tcp)
        return [] if out is None else out if isinstance(out, list) else [out]

    def serve_udp(self):
        while not self.closing:
            try:
                packet, peer = self.udp.recvfrom(4096)
                for r in self.replies(packet, False):
                    self.udp.sendto(r, peer)
            except OSError:
                if self.closing:
                    return
            except (IndexError, struct.error):
                pass

    def serve_tcp(self, conn):
        conn.settimeout(20)
        try:
            while True:
                head = conn.recv(2, socket.MSG_WAITALL)
                if len(head) < 2:
                    return
                packet = conn.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
                for r in self.replies(packet, True):
                    conn.sendall(len(r).to_bytes(2, "big") + r)
        except (IndexError, struct.error):
            return

    def close(self):
        self.closing = True
        self.acceptor.close()
        harness.shut_down(self.udp)     # wakes it, connected or not
        self.thread.join(20)
        self.udp.close()
