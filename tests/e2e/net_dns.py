"""Signed zones of our own, from the root down, served by nsd.

    dns = Nameserver(host, directory)
    dns.zone(".", "test. NS ns.test.")
    dns.zone("test.", RECORDS)              # its DS goes into the zone above
    dns.start()
    dns.anchor                              # a file with the root's key

A zone may be unsigned, have its signatures broken, or be one that nsd
knows of but has no data for (SERVFAIL).
"""

import os
import re
import signal
import socket
import subprocess
import time

from instance import wait_for

NSD_CONF = """\
server:
  ip-address: {addr}
  ip-address: {addr6}
  port: 53
  server-count: 1
  username: ""
  zonesdir: "{d}"
  database: ""
  pidfile: "{d}/nsd.pid"
  xfrdfile: "{d}/xfrd.state"
  zonelistfile: "{d}/zone.list"
  logfile: "{d}/nsd.log"
  verbosity: 1
  # The tests ask faster than strangers may.
  rrl-ratelimit: 0
remote-control:
  control-enable: no
"""
HEAD = """\
$ORIGIN {origin}
$TTL {ttl}
@ SOA ns.test. hostmaster.test. {serial} 3600 900 604800 {ttl}
@ NS ns.test.
"""


class Zone:
    def __init__(self, origin, records, signed=True, bogus=None, served=True, linked=True, nsec3=False):
        self.origin, self.records, self.signed = origin, records, signed
        self.bogus, self.served, self.linked, self.nsec3 = bogus, served, linked, nsec3
        self.key = self.ds = ""
        self.serial = 0

    def file(self):
        return (self.origin.rstrip(".") or "root") + ".zone"


class Nameserver:
    def __init__(self, host, directory, ttl=2):
        self.host, self.dir, self.ttl = host, directory, ttl
        self.zones = {}
        self.process = None
        self.anchor = directory + "/anchor"
        os.makedirs(directory, exist_ok=True)

    def zone(self, origin, records, **kw):
        """bogus: a name in it whose A record is changed after signing; served=False: SERVFAIL;
        signed=False: no DS above; linked=False: not delegated at all."""
        self.zones[origin] = Zone(origin, records, **kw)

    def parent(self, z):
        """The zone that holds z's delegation."""
        name = z.origin
        while name != ".":
            name = name.partition(".")[2] or "."
            if name in self.zones:
                return self.zones[name]
        return None

    def make_key(self, z):
        if z.key or not z.signed:
            return
        z.key = subprocess.run(["ldns-keygen", "-k", "-a", "ECDSAP256SHA256", z.origin], cwd=self.dir,
                               check=True, capture_output=True, text=True).stdout.strip()
        with open("%s/%s.ds" % (self.dir, z.key)) as f:
            z.ds = re.sub(r"\s+", " ", f.read())

    def text(self, z):
        lines = [HEAD.format(origin=z.origin, ttl=self.ttl, serial=z.serial), z.records]
        for child in self.zones.values():
            if child is not z and child.linked and self.parent(child) is z:
                lines.append("%s NS ns.test." % child.origin)
                if child.ds:
                    lines.append(child.ds)
        return "\n".join(lines) + "\n"

    def write(self, origin):
        z = self.zones[origin]
        z.serial += 1
        if not z.served:
            return
        path = "%s/%s" % (self.dir, z.file())
        with open(path + ".in", "w") as f:
            f.write(self.text(z))
        if not z.signed:
            os.rename(path + ".in", path)
            return
        now = int(time.time())
        nsec3 = ["-n", "-t", "0", "-s", "-"] if z.nsec3 else []
        r = subprocess.run(["ldns-signzone", "-i", str(now - 3600), "-e", str(now + 86400 * 7), "-o", z.origin,
                            *nsec3, "-f", path + ".new", path + ".in", z.key],
                           cwd=self.dir, capture_output=True, text=True)
        if r.returncode:
            raise RuntimeError("ldns-signzone %s: %s" % (origin, r.stderr + r.stdout))
        if z.bogus:
            # The record is another than the one that was signed.
            with open(path + ".new") as f:
                text = f.read()
            text, n = re.subn(r"(?m)^(%s\s+\d+\s+IN\s+A\s+)\S+" % re.escape(z.bogus), r"\g<1>10.77.9.9", text)
            if n != 1:
                raise RuntimeError("nothing to falsify in " + origin)
            with open(path + ".new", "w") as f:
                f.write(text)
        os.rename(path + ".new", path)

    def start(self):
        for z in self.zones.values():
            self.make_key(z)
        conf = NSD_CONF.format(addr=self.host.addr, addr6=self.host.addr6, d=self.dir)
        for origin, z in self.zones.items():
            self.write(origin)
            conf += 'zone:\n  name: "%s"\n  zonefile: "%s"\n' % (origin, z.file())
        if self.zones["."].key:
            with open("%s/%s.key" % (self.dir, self.zones["."].key)) as f, open(self.anchor, "w") as out:
                out.write(f.read())
        with open(self.dir + "/nsd.conf", "w") as f:
            f.write(conf)
        with open(self.dir + "/nsd.out", "ab") as out:
            self.process = self.host.popen(["nsd", "-d", "-c", self.dir + "/nsd.conf"],
                                           stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        wait_for(lambda: self.answers("."), 20)

    def change(self, origin, records):
        """New records in a zone, signed and served when this returns."""
        z = self.zones[origin]
        z.records = records
        self.write(origin)
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.serial(origin) == z.serial, 20)

    # --- asking it ----------------------------------------------------------

    def query(self, name, kind):
        """The answer as octets, or None."""
        q = b"\x12\x34\0\0\0\1\0\0\0\0\0\0"
        for label in name.rstrip(".").split("."):
            if label:
                q += bytes([len(label)]) + label.encode()
        q += b"\0\0" + bytes([kind]) + b"\0\1"
        with self.host.inside():
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with s:
            s.settimeout(0.5)
            try:
                s.sendto(q, (self.host.addr, 53))
                return s.recv(4096)
            except OSError:
                return None

    def answers(self, name):
        if self.process.poll() is not None:
            with open(self.dir + "/nsd.out") as f:
                raise RuntimeError("nsd left: " + f.read())
        a = self.query(name, 6)
        return a is not None and a[3] & 15 == 0

    def serial(self, origin):
        a = self.query(origin, 6)
        if not a or a[3] & 15 or len(a) < 40:
            return -1
        # Behind the question a pointer to its name, then type to length.
        at = 12 + len(origin.rstrip(".")) + (2 if origin != "." else 1) + 4 + 10
        end = at + 2 + int.from_bytes(a[at:at + 2], "big")
        return int.from_bytes(a[end - 20:end - 16], "big")
