"""What the tests of keyd share: the program with files of its own, and a client
of its socket that may be somebody else."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile

from harness import NOBODY, PATIENCE, ROOT, as_user, out, replace_file, start_ready, until
from remote_certs import openssl

KEYD = out("keyd")
EC, RSA = "ec", "rsa"


@contextlib.contextmanager
def being(uid):
    """For a while this process is uid to those that it connects to."""
    if not ROOT or uid == 0:
        yield
        return
    os.setegid(uid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


class Client:
    def __init__(self, path, uid=NOBODY):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(PATIENCE)
        with being(uid):
            self.sock.connect(path)
        self.last = 0

    def raw(self, packet):
        """The answer's verb and fields; None when keyd hung up."""
        try:
            self.sock.send(packet)
            answer = self.sock.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            return None
        if not answer:
            return None
        lines = answer.decode().splitlines()
        _, _, verb, _ = lines[0].split(" ")
        return verb, dict(x.split(" ", 1) for x in lines[1:])

    def ask(self, verb, **fields):
        self.last += 1
        return self.raw(b"merpati 1 %s %d\n" % (verb.encode(), self.last) +
                        "".join("%s %s\n" % x for x in fields.items()).encode())

    def sign(self, key, scheme, digest, data):
        return self.ask("sign", key=key, scheme=scheme, digest=digest, data=data.hex())

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Pair:
    """A self-signed certificate and its key, somewhere."""

    def __init__(self, directory, name, kind=EC, days=90, names=None):
        os.makedirs(directory, exist_ok=True)
        self.chain = "%s/%s.chain.pem" % (directory, name)
        self.key = "%s/%s.key.pem" % (directory, name)
        new = (["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == EC else
               ["rsa:2048"] if kind == RSA else [kind])
        openssl("req", "-x509", "-newkey", *new, "-nodes", "-days", str(days), "-subj", "/CN=" + name,
                "-addext", "subjectAltName=" + (names or "DNS:mail.example.test"),
                "-keyout", self.key, "-out", self.chain)

    @property
    def id(self):
        pub = openssl("x509", "-in", self.chain, "-noout", "-pubkey")
        der = openssl("pkey", "-pubin", "-outform", "DER", data=pub)
        return openssl("dgst", "-sha256", "-r", data=der).split()[0].decode()

    def verifies(self, scheme, digest, data, signature, scratch):
        names = [scratch + "/" + x for x in ("pub", "data", "sig")]
        for name, octets in zip(names, (openssl("x509", "-in", self.chain, "-noout", "-pubkey"), data,
                                        signature)):
            with open(name, "wb") as f:
                f.write(octets)
        how = ["-pkeyopt", "digest:" + digest]
        if scheme == "rsa-pss":
            how += ["-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:%d" % len(data)]
        return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", names[0], "-in", names[1],
                               "-sigfile", names[2], *how], capture_output=True).returncode == 0


class Keyd:
    """certificates: {name: Pair}, whose files are copied into its directory."""

    def __init__(self, certificates, keyd="check = 1s", more=""):
        self.dir = tempfile.mkdtemp(prefix="mpkey")
        os.chmod(self.dir, 0o755)
        os.makedirs(self.dir + "/run/keyd")
        os.makedirs(self.dir + "/keys")
        if ROOT:
            os.chown(self.dir + "/run/keyd", NOBODY, NOBODY)
        self.conf = self.dir + "/merpati.conf"
        self.path = self.dir + "/run/keyd/keyd.sock"
        self.public = self.dir + "/run/keyd/certificates"
        self.logfile = self.dir + "/log"
        self.keyd, self.more = keyd, more
        self.process = None
        for name, pair in certificates.items():
            self.put(name, pair)
        self.configure(certificates)

    def file(self, name, what):
        return "%s/keys/%s.%s.pem" % (self.dir, name, what)

    def configure(self, names):
        text = ('hostname = "mail.example.test"\npostmaster = "root@example.test"\nrun-dir = "%s/run"\n'
                'keyd { %s }\n%s\n' % (self.dir, self.keyd, self.more))
        for name in names:
            text += 'certificate "%s" {\n chain = "%s"\n key = "%s"\n ocsp = "%s"\n}\n' % (
                name, self.file(name, "chain"), self.file(name, "key"), self.file(name, "ocsp"))
        with open(self.conf, "w") as f:
            f.write(text)

    def write(self, name, what, data, mode=0o600):
        replace_file(self.file(name, what), data, mode, (NOBODY, NOBODY))

    def put(self, name, pair):
        for what, path in (("key", pair.key), ("chain", pair.chain)):
            with open(path, "rb") as f:
                self.write(name, what, f.read())

    def start(self):
        self.process, ready = start_ready([KEYD, "-c", self.conf], self.logfile, **as_user())
        if not ready:
            raise AssertionError("keyd left: " + self.log())
        return self

    def run(self):
        """For one that ends by itself: its exit code."""
        process, _ = start_ready([KEYD, "-c", self.conf], self.logfile, **as_user())
        return process.wait(PATIENCE)

    def stop(self, sig=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(sig)
        code = self.process.wait(PATIENCE)
        self.process = None
        return code

    def close(self):
        self.stop()
        shutil.rmtree(self.dir)

    def log(self):
        try:
            with open(self.logfile) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def count(self, *words):
        return len([x for x in self.log().splitlines() if all(w in x for w in words)])

    def wait(self, *words, times=1):
        until(lambda: self.count(*words) >= times, what=lambda: "%s in\n%s" % (words, self.log()))

    def client(self, uid=NOBODY):
        return Client(self.path, uid)

    def names(self):
        with open(self.public) as f:
            return [x.split(" ", 1)[1] for x in f.read().splitlines() if x.startswith("certificate ")]

    def published(self, pair):
        with open(self.public) as f, open(pair.chain) as g:
            return g.read().strip() in f.read()
