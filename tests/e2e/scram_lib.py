"""A client's side of SCRAM (RFC 5802), and the keys a server keeps."""

import base64
import hashlib
import hmac
import os

HASHES = {"SHA-256": "sha256", "SHA-1": "sha1"}


def b64(octets):
    return base64.b64encode(octets).decode()


def _hmac(name, key, text):
    return hmac.new(key, text, name).digest()


def client_parts(name, password, salt, iterations):
    """ClientKey, StoredKey, ServerKey."""
    salted = hashlib.pbkdf2_hmac(name, password.encode(), salt, iterations)
    client = _hmac(name, salted, b"Client Key")
    return (client, hashlib.new(name, client).digest(),
            _hmac(name, salted, b"Server Key"))


def keys(password, hash_name="SHA-256", iterations=4096, salt=None):
    """As the users file has them: ITERATIONS,SALT,STORED,SERVER."""
    salt = salt or os.urandom(16)
    _, stored, server = client_parts(HASHES[hash_name], password, salt,
                                     iterations)
    return "%d,%s,%s,%s" % (iterations, b64(salt), b64(stored), b64(server))


class Client:
    """One login.  The messages without what SASL wraps around them."""

    def __init__(self, user, password, hash_name="SHA-256", gs2="n,,",
                 binding=b""):
        self.user, self.password = user, password
        self.hash_name = hash_name
        self.name = HASHES[hash_name]
        self.nonce = b64(os.urandom(18))
        self.first = "n=%s,r=%s" % (
            user.replace("=", "=3D").replace(",", "=2C"), self.nonce)
        self.header = gs2.encode() + binding

    def final(self, server_first):
        """client-final-message-without-proof and the proof."""
        fields = dict(f.split("=", 1) for f in server_first.split(","))
        if not fields["r"].startswith(self.nonce):
            raise AssertionError("the nonce is another: " + server_first)
        client, stored, self.server_key = client_parts(
            self.name, self.password, base64.b64decode(fields["s"]),
            int(fields["i"]))
        last = "c=%s,r=%s" % (b64(self.header), fields["r"])
        self.message = ",".join((self.first, server_first, last)).encode()
        sig = _hmac(self.name, stored, self.message)
        return last, b64(bytes(a ^ b for a, b in zip(client, sig)))

    def signature(self):
        """What the server must say in the end."""
        return b64(_hmac(self.name, self.server_key, self.message))
